import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Channel } from "@/api/types";
import { listChannels } from "@/api/workspace";
import { classes } from "@/lib/text";

const NONE: readonly Channel[] = [];

/** What each medium is called, looks like and can do. Comes from the server; nothing here knows one by name. */
export function useChannels(): readonly Channel[] {
  return useQuery({ queryKey: ["channels"], queryFn: listChannels, staleTime: Infinity }).data ?? NONE;
}

export function useChannel(name: string | null | undefined): Channel | undefined {
  const channels = useChannels();
  return useMemo(() => channels.find((channel) => channel.name === name), [channels, name]);
}

const UNKNOWN = { title: "", colour: "var(--mute)", icon: "" };

export function useLook(name: string | null | undefined): { title: string; colour: string; icon: string } {
  const channel = useChannel(name);
  return channel ?? { ...UNKNOWN, title: name ?? "" };
}

/** The icon alone, in the given text colour or the channel's own. */
export function ChannelIcon({
  name,
  size = 14,
  own = false,
}: {
  name: string | null | undefined;
  size?: number;
  own?: boolean;
}) {
  const look = useLook(name);
  if (!look.icon) return null;
  const style = {
    width: size,
    height: size,
    "--icon": `url("${look.icon}")`,
    ...(own && { color: look.colour }),
  } as React.CSSProperties;
  return <i aria-hidden className="channel-icon inline-block shrink-0" style={style} />;
}

/** A coloured disc with the white icon, to sit on the edge of an avatar. */
export function ChannelBadge({ name, size = 18, className }: { name: string; size?: number; className?: string }) {
  const look = useLook(name);
  return (
    <span
      aria-hidden
      style={{ background: look.colour, width: size, height: size }}
      className={classes("grid place-items-center rounded-full text-white", className)}
    >
      <ChannelIcon name={name} size={Math.round(size * 0.6)} />
    </span>
  );
}
