/** The rules of the game, and how a forecast becomes a move. */

export const MOVES = ["rock", "paper", "scissors"];

const BEATEN_BY = { rock: "paper", paper: "scissors", scissors: "rock" };

/** The move that beats another. */
export const beats = (move) => BEATEN_BY[move];

/** Who has won a round: "kato", "you", or "nobody". */
export function winner(kato, you) {
  if (kato === you) return "nobody";
  return kato === beats(you) ? "kato" : "you";
}

/** A round as an event: what both have shown. */
export const round = (kato, you) => [`kato ${kato}`, `you ${you}`];

/** The share of each of your moves in a forecast, whatever KATO shows beside it. */
export function expectation(forecast) {
  const shares = { rock: 0, paper: 0, scissors: 0 };
  for (const { event, share } of forecast) {
    for (const move of MOVES) if (event.includes(`you ${move}`)) shares[move] += share;
  }
  return shares;
}

/** The move with the largest number; null where all are 0. */
export function likeliest(numbers) {
  const best = MOVES.reduce((one, other) => (numbers[other] > numbers[one] ? other : one));
  return numbers[best] > 0 ? best : null;
}

/** The simplest opponent, to compare with: it beats what you have shown most. */
export class Counting {
  #shown = { rock: 0, paper: 0, scissors: 0 };

  /** What it would show now; null where it knows nothing. */
  get move() {
    const most = likeliest(this.#shown);
    return most && beats(most);
  }

  see(you) {
    this.#shown[you] += 1;
  }
}

/** Who has won how often, and how far ahead an opponent was after each round. */
export class Score {
  kato = 0;
  you = 0;
  nobody = 0;
  leads = [0];

  /** @param {"kato" | "you" | "nobody"} who */
  add(who) {
    this[who] += 1;
    this.leads.push(this.kato - this.you);
  }
}
