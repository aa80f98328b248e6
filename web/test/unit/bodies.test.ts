import { describe, expect, it } from "vitest";
import type { Capabilities, Route, StoredFile, User } from "@/api/types";
import { answerTo, commentOf, messageOf } from "@/features/composer/bodies";
import { EMPTY } from "@/features/composer/drafts";

const route = { inbox_id: 3, point: { id: 9 } } as Route;
const mail = { subject: true, copies: true } as Capabilities;
const text = { subject: false, copies: false } as Capabilities;
const draft = { ...EMPTY, text: "Hello", html: "<p>Hello</p>", cc: "a@example.org; b@example.org", bcc: "" };

describe("what leaves the composer", () => {
  it("answers under the same subject, once", () => {
    expect([answerTo("Opening hours"), answerTo("RE: Opening hours"), answerTo(null)]).toEqual([
      "Re: Opening hours",
      "RE: Opening hours",
      "",
    ]);
  });

  it("gives a mail its subject and copies, and a text neither", () => {
    expect(messageOf(draft, { route, can: mail, rich: true, subject: "Re: x" })).toEqual({
      text: "Hello",
      html: "<p>Hello</p>",
      inbox_id: 3,
      point_id: 9,
      subject: "Re: x",
      cc: ["a@example.org", "b@example.org"],
    });
    expect(messageOf(draft, { route, can: text, rich: false, subject: "Re: x" })).toEqual({
      text: "Hello",
      inbox_id: 3,
      point_id: 9,
    });
  });

  it("keeps an emptied subject empty, and a time in UTC", () => {
    const due = new Date("2030-01-02T03:04:05+02:00");
    const body = messageOf({ ...draft, subject: "" }, { route, can: mail, rich: false, subject: "Re: x", due });
    expect([body.subject, body.due_at]).toEqual(["", "2030-01-02T01:04:05.000Z"]);
  });

  it("names those whom a comment mentions, and its files", () => {
    const users = [
      { id: 1, name: "Robin Demo" },
      { id: 2, name: "Dana Demo" },
    ] as User[];
    const files = [{ id: "f1" }] as unknown as StoredFile[];
    expect(commentOf({ ...EMPTY, text: "Ask @Dana Demo", files }, users)).toEqual({
      text: "Ask @Dana Demo",
      mentions: [2],
      files: ["f1"],
    });
  });
});
