import { AlertDialog } from "radix-ui";
import { t } from "@/i18n";
import { value } from "@/lib/value";
import { Button } from "./Button";

interface Question {
  title: string;
  text: string;
  /** The verb on the button that does it. */
  action: string;
  answer: (yes: boolean) => void;
}

const asked = value<Question | null>(null);

/** Asks before something that cannot be taken back. */
export const confirm = (question: Omit<Question, "answer">): Promise<boolean> =>
  new Promise((resolve) => asked.set({ ...question, answer: resolve }));

export function ConfirmHost() {
  const question = asked.use();
  const answer = (yes: boolean) => {
    question?.answer(yes);
    asked.set(null);
  };
  return (
    <AlertDialog.Root open={question !== null} onOpenChange={(open) => !open && answer(false)}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-50 bg-scrim" />
        <AlertDialog.Content className="pop fixed inset-x-0 top-[18vh] z-50 mx-auto w-[calc(100%-1.5rem)] max-w-md rounded-2xl bg-panel p-5 shadow-pop">
          <AlertDialog.Title className="text-lg font-semibold">{question?.title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1 text-mute">{question?.text}</AlertDialog.Description>
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>{t("cancel")}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild onClick={() => answer(true)}>
              <Button tone="danger">{question?.action}</Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
