import { EditorContent, useEditor, useEditorState, type Editor } from "@tiptap/react";
import StarterKit from "@tiptap/starter-kit";
import { Popover } from "radix-ui";
import { useEffect, useRef, useState, type FormEvent, type RefObject } from "react";
import { t, type Key } from "@/i18n";
import { Button, IconButton } from "@/ui/Button";
import { Bold, Italic, Link, List, ListOrdered, Quote, type LucideIcon } from "@/ui/icons";

interface RichBoxProps {
  html: string;
  label: string;
  /** Puts text at the caret; for the emoji picker. */
  insert: RefObject<((text: string) => void) | null>;
  onChange: (html: string, text: string) => void;
  /** Answers true when the key was meant for the composer. */
  onKeyDown: (event: KeyboardEvent) => boolean;
  onFiles: (files: readonly File[]) => void;
}

interface Tool {
  name: string;
  title: Key;
  icon: LucideIcon;
  run: (editor: Editor) => void;
}

const TOOLS: readonly Tool[] = [
  { name: "bold", title: "rich.bold", icon: Bold, run: (editor) => editor.chain().focus().toggleBold().run() },
  { name: "italic", title: "rich.italic", icon: Italic, run: (editor) => editor.chain().focus().toggleItalic().run() },
  {
    name: "bulletList",
    title: "rich.bullets",
    icon: List,
    run: (editor) => editor.chain().focus().toggleBulletList().run(),
  },
  {
    name: "orderedList",
    title: "rich.numbers",
    icon: ListOrdered,
    run: (editor) => editor.chain().focus().toggleOrderedList().run(),
  },
  {
    name: "blockquote",
    title: "rich.quote",
    icon: Quote,
    run: (editor) => editor.chain().focus().toggleBlockquote().run(),
  },
];

function Tools({ editor }: { editor: Editor }) {
  const active = useEditorState({
    editor,
    selector: (state) =>
      ["link", ...TOOLS.map((tool) => tool.name)].filter((name) => state.editor.isActive(name)).join(),
  }).split(",");
  return (
    <div role="toolbar" aria-label={t("rich")} className="flex gap-0.5 px-2.5">
      {TOOLS.map((tool) => (
        <IconButton
          key={tool.name}
          dense
          label={t(tool.title)}
          icon={tool.icon}
          active={active.includes(tool.name)}
          aria-pressed={active.includes(tool.name)}
          onClick={() => tool.run(editor)}
        />
      ))}
      <LinkTool editor={editor} active={active.includes("link")} />
    </div>
  );
}

const SAFE = /^(https?:\/\/|mailto:)\S+$/i;

/** Makes the selection a link, or takes the link away. */
function LinkTool({ editor, active }: { editor: Editor; active: boolean }) {
  const [open, setOpen] = useState(false);
  const [href, setHref] = useState("https://");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (editor.state.selection.empty)
      editor
        .chain()
        .focus()
        .insertContent(`<a href="${encodeURI(href)}">${encodeURI(href)}</a> `)
        .run();
    else editor.chain().focus().setLink({ href }).run();
    setOpen(false);
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Anchor>
        <IconButton
          dense
          label={t("rich.link")}
          icon={Link}
          active={active}
          aria-pressed={active}
          onClick={() => (active ? editor.chain().focus().unsetLink().run() : setOpen(true))}
        />
      </Popover.Anchor>
      <Popover.Portal>
        <Popover.Content
          side="top"
          sideOffset={6}
          collisionPadding={8}
          aria-label={t("rich.link")}
          className="pop z-50 rounded-xl border border-line bg-panel p-2 shadow-pop outline-none"
        >
          <form onSubmit={submit} className="flex gap-2">
            <input
              dir="ltr"
              autoFocus
              aria-label={t("rich.address")}
              placeholder={t("rich.address")}
              value={href}
              onChange={(event) => setHref(event.target.value)}
              className="h-8 w-64 rounded-lg bg-raise px-2.5 text-sm"
            />
            <Button small tone="primary" type="submit" disabled={!SAFE.test(href)} className="h-8">
              {t("add")}
            </Button>
          </form>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** The formatted text of a message. A chunk of its own: only people who format pay for it. */
export default function RichBox({ html, label, insert, onChange, onKeyDown, onFiles }: RichBoxProps) {
  const latest = useRef({ onChange, onKeyDown, onFiles });
  latest.current = { onChange, onKeyDown, onFiles };
  const editor = useEditor({
    extensions: [StarterKit.configure({ heading: false, link: { openOnClick: false } })],
    content: html,
    injectCSS: false,
    autofocus: "end",
    editorProps: {
      attributes: {
        "aria-label": label,
        "aria-multiline": "true",
        role: "textbox",
        "data-composer": "",
        dir: "auto",
        class: "rich",
      },
      handleKeyDown: (_view, event) => latest.current.onKeyDown(event),
      handlePaste: (_view, event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length > 0) latest.current.onFiles(files);
        return files.length > 0;
      },
    },
    onUpdate: ({ editor: now }) => latest.current.onChange(now.getHTML(), now.getText({ blockSeparator: "\n" })),
  });
  useEffect(() => {
    insert.current = (text) => editor.chain().focus().insertContent(text).run();
    return () => {
      insert.current = null;
    };
  }, [editor, insert]);
  return (
    <div>
      <EditorContent editor={editor} className="max-h-72 min-h-16 overflow-y-auto" />
      <Tools editor={editor} />
    </div>
  );
}
