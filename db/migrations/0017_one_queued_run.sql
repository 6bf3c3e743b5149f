DROP INDEX "sync_run_one_queued";--> statement-breakpoint
CREATE UNIQUE INDEX "sync_run_one_queued" ON "sync_run" USING btree ("school_id","system_id") WHERE state = 'queued' and upload_id is null;