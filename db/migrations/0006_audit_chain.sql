-- The audit chain holds by itself in the database, too (DESIGN.md §10 (3)): rows are only ever appended, each to the row
-- before it; a head only ever moves forward, to a row that is there. Nobody is excepted, the owner neither: who
-- switches the triggers off (a superuser, or the owner by ALTER TABLE) is found out by `verifyChain` and the signed heads outside the database.

create function across.refuse_audit_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'CW010', message = 'audit-append-only';
end $$;
--> statement-breakpoint
create trigger audit_entry_append_only before update or delete on audit_entry
  for each row execute function across.refuse_audit_change();
--> statement-breakpoint
create trigger audit_entry_no_truncate before truncate on audit_entry
  for each statement execute function across.refuse_audit_change();
--> statement-breakpoint
create function across.check_audit_entry() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if octet_length(new.hash) <> 32 or octet_length(new.previous_hash) <> 32
     or new.chain_id <> coalesce(new.school_id, '00000000-0000-0000-0000-000000000000')
     or not (case when new.seq = 1 then new.previous_hash = decode(repeat('00', 32), 'hex')
                  else exists (select 1 from public.audit_entry e
                                where e.chain_id = new.chain_id and e.seq = new.seq - 1 and e.hash = new.previous_hash) end) then
    raise exception using errcode = 'CW011', message = 'audit-entry-does-not-follow';
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger audit_entry_follows before insert on audit_entry
  for each row execute function across.check_audit_entry();
--> statement-breakpoint
create function across.check_audit_head() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    if new.seq <> 0 or new.hash <> decode(repeat('00', 32), 'hex')
       or new.chain_id <> coalesce(new.school_id, '00000000-0000-0000-0000-000000000000') then
      raise exception using errcode = 'CW011', message = 'audit-head-does-not-follow';
    end if;
  elsif new.chain_id <> old.chain_id or new.school_id is distinct from old.school_id or new.seq <= old.seq
     or not exists (select 1 from public.audit_entry e
                     where e.chain_id = new.chain_id and e.seq = new.seq and e.hash = new.hash) then
    raise exception using errcode = 'CW011', message = 'audit-head-does-not-follow';
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger audit_head_follows before insert or update on audit_head
  for each row execute function across.check_audit_head();
--> statement-breakpoint
create trigger audit_head_no_delete before delete on audit_head
  for each row execute function across.refuse_audit_change();
--> statement-breakpoint
create trigger audit_head_no_truncate before truncate on audit_head
  for each statement execute function across.refuse_audit_change();
--> statement-breakpoint
-- Where every chain stands: numbers and hashes, for signing outside the database.
create function across.audit_heads() returns table (chain_id uuid, seq bigint, hash bytea)
language sql stable security definer set search_path = '' as $$
  select h.chain_id, h.seq, h.hash from public.audit_head h
$$;
--> statement-breakpoint
revoke execute on function across.audit_heads, across.check_audit_entry, across.check_audit_head, across.refuse_audit_change from public;
--> statement-breakpoint
grant execute on function across.audit_heads to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
-- Data keys are added and wrapped anew, never removed; the roster's role only reads them (0001 gives it select).
revoke update, delete, truncate on data_key from crosswalk_web;
--> statement-breakpoint
grant update (wrapped, master_key_id, retired_at) on data_key to crosswalk_web;
