-- Store deliveries of one inbox, as they came; returns how many were new (a repeated one is nothing, by constraint).
-- Called alone it is a whole transaction in one round trip. Headers and meta are JSON texts.
--
-- "Last inbound" is exact to ten seconds, and whoever finds the inbox locked leaves it to the other: deliveries of one
-- inbox must not wait for each other. The workers' bell rings at commit.
create function store_deliveries(workspace bigint, inbox bigint, at timestamptz, dedupe_keys text[], bodies bytea[],
                                 headers text[], metas text[], traces text[], bell text)
returns bigint language plpgsql as $$
declare fresh bigint;
begin
  perform set_config('app.workspace_id', workspace::text, true);
  insert into raw_deliveries (workspace_id, inbox_id, dedupe_key, body, headers, meta, received_at, trace)
  select workspace, inbox, r.dedupe_key, r.body, r.headers::jsonb, r.meta::jsonb, at, r.trace
  from unnest(dedupe_keys, bodies, store_deliveries.headers, metas, traces)
    as r (dedupe_key, body, headers, meta, trace)
  on conflict (workspace_id, inbox_id, dedupe_key) do nothing;
  get diagnostics fresh = row_count;
  if fresh > 0 then
    update inboxes i set last_inbound_at = at where i.workspace_id = workspace and i.id = (
      select o.id from inboxes o where o.workspace_id = workspace and o.id = inbox
        and (o.last_inbound_at is null or o.last_inbound_at < at - interval '10 seconds')
      for no key update skip locked);
    perform pg_notify(bell, '');
  end if;
  return fresh;
end $$;
