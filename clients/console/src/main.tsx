/** The console: starts in #console. */

import { render } from "preact";

import "@fontsource-variable/inter/wght.css";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/parts.css";
import "./styles/training.css";
import "./styles/jobs.css";
import "./styles/browse.css";
import { Shell } from "./shell";
import { applyTheme } from "./theme";

applyTheme();
render(<Shell />, document.getElementById("console") as HTMLElement);
