import { useState } from "react";
import { ApiError, sentence } from "@/api/http";

interface Saving {
  busy: boolean;
  error: string | null;
  fields: Record<string, string>;
  /** Runs the request; resolves true when it went through. */
  run: (request: () => Promise<unknown>) => Promise<boolean>;
}

/** The state of one form while the server decides. */
export function useSaving(): Saving {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [fields, setFields] = useState<Record<string, string>>({});
  const run = async (request: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    setFields({});
    try {
      await request();
      return true;
    } catch (problem) {
      const known = problem instanceof ApiError ? problem.fields : {};
      setFields(known);
      setError(sentence(problem));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, fields, run };
}
