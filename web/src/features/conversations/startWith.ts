import type { Contact } from "@/api/types";
import { value } from "@/lib/value";

/** The contact for whom "New conversation" was asked, if it was asked on their page. */
export const startWith = value<Contact | null>(null);
