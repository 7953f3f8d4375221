/** What is around every page: navigation, who answers, light or dark. */

import { useEffect, useErrorBoundary, useState } from "preact/hooks";

import { useAddress } from "./address";
import { type Health, type ServiceName, watchHealth } from "./health";
import { FIRST_PATH, PAGES } from "./pages";
import { useHealth } from "./parts/asked";
import { Link } from "./parts/link";
import { Empty, Notice } from "./parts/notice";
import { applyTheme, THEMES, theme } from "./theme";
import { canBeSent, keepToken } from "./token";
import { exact, plural } from "./words";

export function Shell() {
  const { path, query } = useAddress();
  const page = PAGES.find((one) => one.path === (path === "/" ? FIRST_PATH : path));
  useEffect(watchHealth, []);
  useEffect(() => {
    document.title = page ? `${page.label} \u00b7 vertebra` : "vertebra";
  }, [page]);
  return (
    <>
      <a class="skip" href="#page">
        To the page
      </a>
      <header class="top">
        <Link to="/" class="brand" aria-label="vertebra, the first page">
          <img src="/icon.svg" alt="" width="20" height="20" />
          vertebra
        </Link>
        <nav aria-label="Pages">
          {PAGES.map((one) => (
            <Link to={one.path} key={one.path} aria-current={one === page ? "page" : undefined}>
              {one.label}
            </Link>
          ))}
        </nav>
        <Standings />
        <ThemeChoice />
      </header>
      <Away />
      <main id="page" tabIndex={-1} class={page ? `page${page.path.replace("/", "-")}` : ""}>
        {page ? (
          <Guarded key={page.path}>
            <page.show query={query} />
          </Guarded>
        ) : (
          <Empty>
            <h1>
              Nothing is at <code>{path}</code>
            </h1>
            <p>
              <Link to="/">The first page</Link> is there.
            </p>
          </Empty>
        )}
      </main>
    </>
  );
}

/** A page that breaks leaves the navigation usable. */
function Guarded({ children }: { children: preact.ComponentChildren }) {
  const [broken, mend] = useErrorBoundary();
  if (!broken) return <>{children}</>;
  return (
    <Notice kind="error">
      This page has a bug: {String((broken as Error).message ?? broken)}{" "}
      <button type="button" class="button plain" onClick={mend}>
        Show it again
      </button>
    </Notice>
  );
}

/** Who answers, and what is free to train on. */
function Standings() {
  const health = useHealth();
  const { capacity } = health;
  const isKnown = capacity && health.trainer.state === "answers";
  return (
    <div class="standings">
      {isKnown && (
        <span class="capacity">
          {capacity.numFreeDevices} of {exact(capacity.numDevices)}
          <span class="roomy"> {capacity.numDevices === 1 ? "device" : "devices"}</span> free
          {capacity.numQueuedJobs > 0 && `, ${plural(capacity.numQueuedJobs, "job")} waiting`}
        </span>
      )}
      {(["catalog", "trainer"] as const).map((name) => (
        <span key={name} class={`standing ${health[name].state}`} title={spokenState(health, name)}>
          <i aria-hidden="true" />
          {name}
          <span class="unseen"> {spokenState(health, name)}</span>
        </span>
      ))}
    </div>
  );
}

const STATES = {
  unknown: "is being asked",
  answers: "answers",
  silent: "does not answer",
  refuses: "wants to know who you are",
  fails: "does not work",
};

function spokenState(health: Health, name: ServiceName): string {
  return STATES[health[name].state];
}

/** Says aloud who does not answer, and what a refused caller can do. */
function Away() {
  const health = useHealth();
  const names = (["catalog", "trainer"] as const).filter((name) => health[name].state === "silent");
  const refusing = (["catalog", "trainer"] as const).find(
    (name) => health[name].state === "refuses",
  );
  return (
    <div class="away" role="status" aria-live="polite">
      {names.length > 0 && (
        <p>
          {names.length === 2 ? "catalog and trainer do" : `${names[0]} does`} not answer; trying
          again.
        </p>
      )}
      {(["catalog", "trainer"] as const)
        .filter((name) => health[name].state === "fails")
        .map((name) => (
          <p key={name}>
            {name}: {health[name].why}; trying again.
          </p>
        ))}
      {refusing && <TokenForm why={health[refusing].why} name={refusing} />}
    </div>
  );
}

function TokenForm({ name, why }: { name: string; why: string }) {
  const [given, setGiven] = useState("");
  const [isOdd, setOdd] = useState(false);
  const keep = (event: SubmitEvent): void => {
    event.preventDefault();
    setOdd(!canBeSent(given));
    if (!canBeSent(given)) return;
    keepToken(given);
    location.reload();
  };
  return (
    <form class="token" onSubmit={keep}>
      <span>
        {name}: {isOdd ? "what was given has characters that no token has; copy it again" : why}
      </span>
      <label>
        Token{" "}
        <input
          type="password"
          autocomplete="off"
          value={given}
          onInput={(event) => setGiven(event.currentTarget.value)}
        />
      </label>
      <button class="button main" type="submit">
        Use it in this tab
      </button>
    </form>
  );
}

function ThemeChoice() {
  const [chosen, setChosen] = useState(theme());
  return (
    <label class="theme">
      <span class="unseen">Colours</span>
      <select
        value={chosen}
        onChange={(event) => {
          const next = THEMES.find((one) => one === event.currentTarget.value) ?? "system";
          setChosen(next);
          applyTheme(next);
        }}
      >
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}
