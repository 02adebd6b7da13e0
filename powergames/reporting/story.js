// A story that leads through the page: predict the λ at which trust ends, drag the slider, see.

const story = { step: 0, guess: null, choice: null };

// The λ up to which both playing their first action is an equilibrium; null if there is none at λ = 0.
function trustEnds() {
  const both = play.solved && play.solved.sentences.find(({ supports, lo }) => !lo.sign && supports.every((own) => own.join() === "0"));
  return both ? both.hi : null;
}

function trustHolds() {
  const end = trustEnds();
  return end !== null && play.lam.compare(end) <= 0;
}

function paragraph(...parts) {
  return el("p", {}, ...parts);
}

const STEPS = [
  {
    next: "Start the story",
    text: () => [paragraph("A story in six steps: predict how much fear trust survives, then find out.")],
  },
  {
    next: "Next",
    hides: true,
    text: () => [
      paragraph("You and a stranger go hunting. A stag feeds both of you, 4 each, but only if ", el("em", {}, "both"), " hunt it. A hare you can catch alone: 3, whatever the other does. If you hunt the stag and the stranger does not, you get nothing."),
      paragraph("What would you do?"),
      el("div", { class: "choices" }, ...["hunt the stag", "catch a hare"].map((text) => el("label", {},
        el("input", { type: "radio", name: "story-choice", checked: story.choice === text ? "" : null, onchange: () => { story.choice = text; refreshStory(); } }), ` ${text}`))),
      ...(story.choice === null ? [] : [paragraph(story.choice === "hunt the stag"
        ? "You trust. If the stranger does so too, nobody wants to change: trust is an equilibrium."
        : "You play it safe. If the stranger does so too, nobody wants to change: that is an equilibrium as well.")]),
    ],
  },
  {
    next: "Next",
    hides: true,
    text: () => [
      paragraph("Suppose both hunt the stag. By going for a hare, the stranger takes 4 from you. That is the ", el("a", { href: "#word-power" }, "power"), " the stranger holds over you, and you hold the same over the stranger. Who catches a hare is in nobody’s power."),
      paragraph("Now let each unit of power cost you λ. Hunting the stag together is then worth 4 − 4λ to you, and the hare still 3."),
    ],
  },
  {
    next: "That is my guess",
    hides: true,
    text: () => [
      paragraph("Raise λ from 0, where nobody minds. Up to which λ do both still hunt the stag?"),
      el("div", { class: "choices" }, el("label", {}, "My guess: λ* = ",
        el("input", { id: "guess", type: "number", min: 0, max: 1, step: 0.01, value: story.guess === null ? "0.5" : story.guess }))),
    ],
    leave: () => {
      story.guess = Math.min(1, Math.max(0, Number(byId("guess").value) || 0));
      play.lam = ZERO;
      solveAt();
    },
  },
  {
    next: "Show the answer",
    hides: true,
    text: () => [
      paragraph("Drag the slider above the game, and watch when trust ends."),
      el("p", { class: "verdict" }, `At λ = ${lamText()}, both hunting the stag ${trustHolds() ? "is an equilibrium." : "is no equilibrium any more."}`),
    ],
  },
  {
    next: "Next",
    text: () => {
      const end = trustEnds();
      const off = Math.abs(end.number - story.guess);
      return [
        el("p", { class: "verdict" }, `Trust ends at λ* = ${end}. You guessed ${story.guess}: ${off < 0.005 ? "exactly right." : `off by ${Number(off.toFixed(2))}.`}`),
        paragraph("4 − 4λ is at least 3 as long as λ ≤ 1/4. In words: trust survives a price of power up to what it gains, 4 − 3, divided by what it puts at stake, 4."),
        paragraph("Catching hares remains an equilibrium at every λ: there is nothing to fear. Between the two, for λ ≤ 1/4, there is one in which both mix."),
      ];
    },
    enter: () => { play.lam = trustEnds(); },
  },
  {
    next: null,
    text: () => {
      const end = trustEnds();
      return [
        paragraph("Now it is your game. Change the payoffs in the table: what if a hare is worth only 2? What if the stag is worth 10? Predict first."),
        el("p", { class: "verdict" }, end === null ? "In this game, both playing their first action is no equilibrium at λ = 0."
          : `In this game, ${play.game.actions[0][0] === play.game.actions[1][0] ? `both playing ${play.game.actions[0][0]}` : "both playing their first action"} is an equilibrium up to λ* = ${fractionText(end)}.`),
      ];
    },
  },
];

function goToStep(step) {
  story.step = step;
  const hunt = games.find(({ name }) => name === "stag_hunt");
  const told = step > 0 && step < STEPS.length - 1;
  if (told && JSON.stringify(play.game.payoffs) !== JSON.stringify(hunt.payoffs)) {
    play.found = [];
    load(hunt);
  }
  if (STEPS[step].enter) {
    STEPS[step].enter();
    solveAt();
  } else refreshStory(true);
}

function refreshStory(moved = false) {
  const step = STEPS[story.step];
  byId("main").dataset.story = step.hides ? "hidden" : "";
  show("story-heading", story.step ? `Would you trust? ${story.step} of ${STEPS.length - 1}` : "Would you trust?");
  // What somebody types in stays.
  if (moved || !byId("guess")) show("story-text", ...step.text());
  byId("story-back").hidden = story.step === 0;
  byId("story-leave").hidden = story.step === 0;
  byId("story-next").hidden = step.next === null;
  show("story-next", step.next || "");
}

function prepareStory() {
  byId("story-next").addEventListener("click", () => {
    const { leave } = STEPS[story.step];
    if (leave) leave();
    if (story.step === 0) goTo(ZERO);
    goToStep(story.step + 1);
    refreshStory(true);
  });
  byId("story-back").addEventListener("click", () => {
    goToStep(story.step - 1);
    refreshStory(true);
  });
  byId("story-leave").addEventListener("click", () => {
    goToStep(0);
    refreshStory(true);
  });
}
