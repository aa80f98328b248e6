import { describe, expect, it } from "vitest";
import { countdown, presets, wallClock, zonedTime } from "@/lib/time";

describe("a wall clock in a zone", () => {
  it("is the instant at which that clock shows it", () => {
    expect(zonedTime("2026-01-15T09:00", "America/New_York").toISOString()).toBe("2026-01-15T14:00:00.000Z");
    expect(zonedTime("2026-07-15T09:00", "America/New_York").toISOString()).toBe("2026-07-15T13:00:00.000Z");
    expect(zonedTime("2026-07-15T09:00", "Asia/Kolkata").toISOString()).toBe("2026-07-15T03:30:00.000Z");
  });

  it("survives the night on which clocks jump", () => {
    // 2026-03-29 02:30 does not exist in Berlin: clocks go from 02:00 to 03:00.
    expect(zonedTime("2026-03-29T02:30", "Europe/Berlin").toISOString()).toBe("2026-03-29T01:30:00.000Z");
    expect(zonedTime("2026-03-29T09:00", "Europe/Berlin").toISOString()).toBe("2026-03-29T07:00:00.000Z");
  });

  it("comes back as it went in", () => {
    for (const zone of ["UTC", "Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu"]) {
      expect(wallClock(zonedTime("2026-11-05T18:45", zone), zone)).toBe("2026-11-05T18:45");
    }
  });
});

describe("presets", () => {
  it("lie ahead, mornings at nine in the zone asked for", () => {
    const now = new Date("2026-11-18T20:00:00Z"); // a Wednesday
    const found = Object.fromEntries(
      presets("America/New_York", now).map((preset) => [preset.id, preset.at.toISOString()]),
    );
    expect(found).toEqual({
      later: "2026-11-18T23:00:00.000Z",
      tomorrow: "2026-11-19T14:00:00.000Z",
      monday: "2026-11-23T14:00:00.000Z",
      week: "2026-11-25T14:00:00.000Z",
    });
  });

  it("does not offer Monday twice on a Sunday", () => {
    expect(presets("UTC", new Date("2026-11-22T10:00:00Z")).map((preset) => preset.id)).toEqual([
      "later",
      "tomorrow",
      "week",
    ]);
  });
});

it("counts down in hours and minutes", () => {
  expect(countdown(23 * 3_600_000 + 14 * 60_000 + 59_000)).toBe("23:14");
  expect(countdown(-1)).toBe("00:00");
});
