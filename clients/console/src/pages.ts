/** Which pages there are, in the order of the navigation. */

import type { ComponentType } from "preact";

import { CheckpointsPage } from "./pages/checkpoints/checkpoints_page";
import { JobsPage } from "./pages/jobs/jobs_page";
import { ModelsPage } from "./pages/models/models_page";
import { TrainingPage } from "./pages/training/training_page";
import { WeightsPage } from "./pages/weights/weights_page";

export interface Page {
  readonly path: string;
  readonly label: string;
  /** Gets what the address says of what is looked at. */
  readonly show: ComponentType<{ query: URLSearchParams }>;
}

export const PAGES: readonly Page[] = [
  { path: "/models", label: "Models", show: ModelsPage },
  { path: "/weights", label: "Weights", show: WeightsPage },
  { path: "/training", label: "Training", show: TrainingPage },
  { path: "/jobs", label: "Jobs", show: JobsPage },
  { path: "/checkpoints", label: "Checkpoints", show: CheckpointsPage },
];

/** Shown at `/`. */
export const FIRST_PATH = "/training";
