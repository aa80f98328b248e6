import { useEffect } from "react";
import { sentence } from "@/api/http";
import type { Contact, Id } from "@/api/types";
import { loadContact } from "@/sync/load";
import { store, useRow } from "@/sync/store";
import { toast } from "@/ui/toasts";

export function useContact(id: Id | undefined): Contact | undefined {
  useEffect(() => {
    if (id !== undefined) loadContact(id).catch(() => undefined);
  }, [id]);
  return useRow("contacts", id);
}

/** Shows the change at once; takes it back and says why when the server refuses. Resolves true when it stands. */
export async function changing(
  contact: Contact,
  part: Partial<Contact>,
  request: () => Promise<unknown>,
): Promise<boolean> {
  store.put("contacts", { ...contact, ...part });
  try {
    await request();
    await loadContact(contact.id);
    return true;
  } catch (error) {
    if (store.row("contacts", contact.id)?.rev === contact.rev) store.put("contacts", contact);
    toast({ text: sentence(error), tone: "bad" });
    return false;
  }
}
