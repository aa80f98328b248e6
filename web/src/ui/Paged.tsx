import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { sentence } from "@/api/http";
import { t } from "@/i18n";
import { Failure, Spinner } from "./bits";
import { Button } from "./Button";

interface PagedProps<Item> {
  found: UseInfiniteQueryResult<InfiniteData<{ items: readonly Item[] }>>;
  empty: ReactNode;
  children: (items: readonly Item[]) => ReactNode;
}

/** A list that is read page by page: while it comes, when it does not, when there is nothing, and what there is. */
export function Paged<Item>({ found, empty, children }: PagedProps<Item>) {
  if (found.isPending) return <Spinner />;
  if (found.isError) return <Failure text={sentence(found.error)} onRetry={() => void found.refetch()} />;
  const items = found.data.pages.flatMap((page) => page.items);
  if (items.length === 0) return empty;
  return (
    <>
      {children(items)}
      {found.hasNextPage && (
        <div className="mt-4 text-center">
          <Button busy={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {t("load_more")}
          </Button>
        </div>
      )}
    </>
  );
}
