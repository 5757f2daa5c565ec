// Opens the page.

/** Offers the events that have samples, where there are several, and what suits the threads. */
function prepareChoices(profile) {
  const events = [...new Set(profile.rows.event)].sort((a, b) => a - b);
  byId("event").replaceChildren(
    ...events.map((event) => {
      const option = element("option", "", profile.header.events[event]?.name ?? `event ${event}`);
      option.value = event;
      return option;
    }),
  );
  byId("event").value = mostCommonEvent(profile);
  byId("event-label").hidden = events.length < 2;
  byId("group").value = profile.group;
  const processes = new Set(profile.threads.map((thread) => thread.pid));
  byId("lanes").value = processes.size > 1 ? "process" : profile.threads.length > 1 ? "thread" : "none";
}

async function open() {
  const notice = byId("notice");
  try {
    const data = byId("data");
    const profile = decode(await inflate(data.textContent));
    // It is large, and not needed twice.
    data.remove();
    prepareChoices(profile);
    document.body.classList.add("ready");
    window.somno = new App(profile);
    notice.remove();
  } catch (error) {
    document.body.classList.remove("ready");
    notice.className = "notice bad";
    notice.textContent = `This profile could not be opened: ${error.message}`;
    throw error;
  }
}

open();
