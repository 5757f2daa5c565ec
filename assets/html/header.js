// The head, the foot and the legend.

function fillHeader(profile) {
  const { header } = profile;
  document.title = `${profile.title} – somno`;
  const title = document.getElementById("title");
  title.textContent = title.title = profile.title;
  const facts = [
    // The remark says event, rate, duration, samples and completeness.
    ["Recorded", profile.remark],
    ["Target", header.target === profile.title ? "" : header.target],
    ["Host", [header.host, header.kernel, header.architecture, header.cpus ? `${header.cpus} CPUs` : ""].filter(Boolean).join(", ")],
    ["Began", header.began_ms ? new Date(header.began_ms).toLocaleString() : ""],
  ];
  const list = document.getElementById("facts");
  list.replaceChildren(
    ...facts.filter(([, text]) => text).map(([name, text]) => element("div", "", element("dt", "", name), element("dd", "", text))),
  );
}

function fillFooter(profile) {
  const { header, outcomes, together, samples } = profile;
  const parts = [
    `User stacks: ${outcomes.map(([name, count]) => `${name} ${formatCount(count)}`).join(", ") || "none"}`,
    `${formatCount(samples)} samples shown`,
    `${formatCount(profile.functions.count)} functions, ${formatCount(profile.stacks.count - 1)} stacks`,
  ];
  if (together > 0) parts.push(`samples of the same stack put together every ${formatDuration(together * 1000)}`);
  if (header.command.length > 0) parts.push(header.command.join(" "));
  parts.push(`somno ${header.version}`);
  document.getElementById("foot").replaceChildren(...parts.map((text) => element("span", "", text)));
}

/** Makes a button for each kind that there is; pressed, its frames are shown. */
function fillLegend(profile, theme, hidden, toggle) {
  const present = new Set(profile.functions.kind);
  const legend = document.getElementById("legend");
  legend.replaceChildren(
    ...KINDS.filter(({ kind }) => present.has(kind)).map(({ kind, name }) => {
      const button = element("button", "", makeSwatch(theme, kind), `${name}${SUFFIX[kind]}`);
      button.type = "button";
      button.title = `Show or hide ${name} frames; what they weigh stays with their callers`;
      button.setAttribute("aria-pressed", String(!hidden.has(kind)));
      button.addEventListener("click", () => toggle(kind, button));
      return button;
    }),
  );
}

function makeSwatch(theme, kind) {
  const canvas = document.createElement("canvas");
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(22 * ratio);
  canvas.height = Math.round(14 * ratio);
  canvas.style.width = "22px";
  canvas.style.height = "14px";
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = frameColor(theme, kind, "");
  context.fillRect(0, 0, 22, 14);
  const pattern = makePatterns(context, theme, ratio)[kind];
  if (pattern) {
    context.fillStyle = pattern;
    context.fillRect(0, 0, 22, 14);
  }
  return canvas;
}
