-- The words of the interface: docs/analytics.md is made from these comments, and a test says when one is missing.

-- +goose Up
COMMENT ON SCHEMA analytics IS
    'What the time of provisions went into, to be read with SQL. Durations are in seconds, as double precision; a share is a number from 0 to 1. NULL is what is not known or does not apply. The definitions of blocker, critical path and slack are in the comments of the columns of timeline.';

COMMENT ON VIEW analytics.flows IS
    'The flows whose live state is there, one row each.';
COMMENT ON COLUMN analytics.flows.flow_id IS 'Id of the flow.';
COMMENT ON COLUMN analytics.flows.epoch IS 'Tells this life of the flow from another one of the same id.';
COMMENT ON COLUMN analytics.flows.version IS 'Counts the changes of the flow''s state.';
COMMENT ON COLUMN analytics.flows.definition_id IS 'What the flow is a run of, as its emitter said; empty where nobody did.';
COMMENT ON COLUMN analytics.flows.status IS 'pending, running, succeeded or failed.';
COMMENT ON COLUMN analytics.flows.started_at IS 'When the first job began what it did last; as declared, where an emitter declared it.';
COMMENT ON COLUMN analytics.flows.ended_at IS 'When the last job ended; NULL until all have.';
COMMENT ON COLUMN analytics.flows.declared IS 'Whether status and times are those an emitter said; else they follow from the jobs.';
COMMENT ON COLUMN analytics.flows.provider IS 'Provider in the deployment''s record; empty where there is none.';
COMMENT ON COLUMN analytics.flows.regions IS 'Regions in the deployment''s record, the primary one first.';

COMMENT ON VIEW analytics.jobs IS
    'The jobs and groups of flows whose live state is there, as clients see them.';
COMMENT ON COLUMN analytics.jobs.flow_id IS 'Id of the flow.';
COMMENT ON COLUMN analytics.jobs.job_id IS 'Id of the job.';
COMMENT ON COLUMN analytics.jobs.name IS 'Name of the job within its flow; by it jobs of different flows are matched.';
COMMENT ON COLUMN analytics.jobs.label IS 'What people read.';
COMMENT ON COLUMN analytics.jobs.type IS 'install: a job that does work; group: one that contains others.';
COMMENT ON COLUMN analytics.jobs.family IS 'group, install, tofu, bootstrap, cutover, handover, an emitter''s own word, or empty.';
COMMENT ON COLUMN analytics.jobs.region IS 'Region; empty where none is named.';
COMMENT ON COLUMN analytics.jobs.component IS 'Chart, or the name where there is none.';
COMMENT ON COLUMN analytics.jobs.chart_version IS 'Chart version of the latest attempt; empty where not known.';
COMMENT ON COLUMN analytics.jobs.status IS 'pending, running, succeeded or failed; of a group rolled up from what it contains.';
COMMENT ON COLUMN analytics.jobs.state IS 'Finer state, as the source named it.';
COMMENT ON COLUMN analytics.jobs.reason IS 'Why it is in that state, where the source said so.';
COMMENT ON COLUMN analytics.jobs.attempt IS 'Number of the latest attempt; 0 where there was none or none is known.';
COMMENT ON COLUMN analytics.jobs.waiting_on IS 'Ids of what a pending job directly waits for.';
COMMENT ON COLUMN analytics.jobs.position IS 'Order of first appearance in the flow.';
COMMENT ON COLUMN analytics.jobs.started_at IS 'Beginning of the first attempt; of a group, of what began first in it.';
COMMENT ON COLUMN analytics.jobs.ended_at IS 'End of the latest attempt; of a group, of what ended last, once all has ended.';

COMMENT ON VIEW analytics.leaves IS
    'What counts when statuses are rolled up: jobs that are no groups, and groups that run themselves (steps that apply resources), those with status and times of their own run. What was set aside is not in it.';
COMMENT ON COLUMN analytics.leaves.flow_id IS 'Id of the flow.';
COMMENT ON COLUMN analytics.leaves.job_id IS 'Id of the job.';
COMMENT ON COLUMN analytics.leaves.name IS 'Name of the job within its flow.';
COMMENT ON COLUMN analytics.leaves.label IS 'What people read.';
COMMENT ON COLUMN analytics.leaves.type IS 'install, or group for one that runs itself.';
COMMENT ON COLUMN analytics.leaves.region IS 'Region; empty where none is named.';
COMMENT ON COLUMN analytics.leaves.component IS 'Chart, or the name where there is none.';
COMMENT ON COLUMN analytics.leaves.chart_version IS 'Chart version of the latest attempt; empty where not known.';
COMMENT ON COLUMN analytics.leaves.status IS 'pending, running, succeeded or failed.';
COMMENT ON COLUMN analytics.leaves.state IS 'Finer state, as the source named it.';
COMMENT ON COLUMN analytics.leaves.reason IS 'Why it is in that state, where the source said so.';
COMMENT ON COLUMN analytics.leaves.attempt IS 'Number of the latest attempt; 0 where there was none or none is known.';
COMMENT ON COLUMN analytics.leaves.position IS 'Order of first appearance in the flow.';
COMMENT ON COLUMN analytics.leaves.started_at IS 'Beginning of the first attempt.';
COMMENT ON COLUMN analytics.leaves.ended_at IS 'End of the latest attempt, once it has ended.';

COMMENT ON VIEW analytics.relationships IS
    'Edges between jobs, those whose ends are known.';
COMMENT ON COLUMN analytics.relationships.flow_id IS 'Id of the flow that has the edge.';
COMMENT ON COLUMN analytics.relationships.from_id IS 'Id of the job the edge comes from; of contains, the child.';
COMMENT ON COLUMN analytics.relationships.to_id IS 'Id of the job the edge goes to; of contains, the parent; of finish-to-start, what starts after.';
COMMENT ON COLUMN analytics.relationships.type IS 'contains, finish-to-start, start-to-start, finish-to-finish, start-to-finish or triggers.';
COMMENT ON COLUMN analytics.relationships.condition IS 'on-success, on-failure or always.';
COMMENT ON COLUMN analytics.relationships.lag_seconds IS 'Seconds that are to pass, as an emitter said.';
COMMENT ON COLUMN analytics.relationships.from_flow_id IS 'Id of the flow of the job the edge comes from.';
COMMENT ON COLUMN analytics.relationships.to_flow_id IS 'Id of the flow of the job the edge goes to.';
COMMENT ON COLUMN analytics.relationships.local IS 'Whether both ends are in this flow.';

COMMENT ON VIEW analytics.transitions IS
    'History: what each job was and became, one row for each fact, in the order of seq. It is only added to.';
COMMENT ON COLUMN analytics.transitions.flow_id IS 'Id of the flow.';
COMMENT ON COLUMN analytics.transitions.seq IS 'Order in which the facts were recorded.';
COMMENT ON COLUMN analytics.transitions.job_id IS 'Id of the job.';
COMMENT ON COLUMN analytics.transitions.execution_id IS 'Id of the execution it belongs to; NULL for none.';
COMMENT ON COLUMN analytics.transitions.version IS 'Version of the flow with which it was recorded.';
COMMENT ON COLUMN analytics.transitions.from_status IS 'Status before.';
COMMENT ON COLUMN analytics.transitions.to_status IS 'Status after.';
COMMENT ON COLUMN analytics.transitions.state IS 'Finer state, as the source named it; deleted where the job was taken out.';
COMMENT ON COLUMN analytics.transitions.happened_at IS 'When it happened: occurred_at, but never later than recorded_at.';
COMMENT ON COLUMN analytics.transitions.occurred_at IS 'When it happened, by the source''s clock.';
COMMENT ON COLUMN analytics.transitions.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN analytics.transitions.recorded_after_seconds IS 'Seconds from occurring to being recorded; 0 where the source''s clock is ahead.';
COMMENT ON COLUMN analytics.transitions.effective IS 'Whether the status changed. A fact that came late or was repeated changes nothing.';
COMMENT ON COLUMN analytics.transitions.cause IS 'Why, as far as is known.';

COMMENT ON VIEW analytics.attempts IS
    'Attempts that have begun, of flows whose live state is there. A job without executions has one, from its own times. Nothing ends before it began, whatever the sources'' clocks say.';
COMMENT ON COLUMN analytics.attempts.flow_id IS 'Id of the flow.';
COMMENT ON COLUMN analytics.attempts.job_id IS 'Id of the job.';
COMMENT ON COLUMN analytics.attempts.attempt IS 'Number of the attempt, from 1.';
COMMENT ON COLUMN analytics.attempts.execution_id IS 'Id of the execution; NULL where the source knows none.';
COMMENT ON COLUMN analytics.attempts.status IS 'running, succeeded or failed.';
COMMENT ON COLUMN analytics.attempts.started_at IS 'Beginning; NULL where the source did not say.';
COMMENT ON COLUMN analytics.attempts.ended_at IS 'End; NULL while it runs, and where the source did not say.';

COMMENT ON VIEW analytics.log_errors IS
    'Log lines of level error. Narrow it by log_day or flow_id: lines are stored by day.';
COMMENT ON COLUMN analytics.log_errors.flow_id IS 'Id of the flow.';
COMMENT ON COLUMN analytics.log_errors.job_id IS 'Id of the job.';
COMMENT ON COLUMN analytics.log_errors.name IS 'Name of the job.';
COMMENT ON COLUMN analytics.log_errors.component IS 'Chart, or the name where there is none.';
COMMENT ON COLUMN analytics.log_errors.region IS 'Region; empty where none is named.';
COMMENT ON COLUMN analytics.log_errors.attempt IS 'Number of the attempt.';
COMMENT ON COLUMN analytics.log_errors.execution_id IS 'Id of the execution.';
COMMENT ON COLUMN analytics.log_errors.line_number IS 'Number of the line in its execution, from 1.';
COMMENT ON COLUMN analytics.log_errors.log_day IS 'Day (UTC) on which the execution began, by which lines are stored.';
COMMENT ON COLUMN analytics.log_errors.at IS 'When the line was written, by the source''s clock.';
COMMENT ON COLUMN analytics.log_errors.message IS 'The line.';

COMMENT ON VIEW analytics.timeline IS
    'One row for each attempt at a job, and for each job that has not begun. Computed when it is asked for while a flow goes on, kept once it has ended; stays when the flow''s live state is removed.';
COMMENT ON COLUMN analytics.timeline.flow_id IS 'Id of the flow; for a deployment''s flow that of the deployment.';
COMMENT ON COLUMN analytics.timeline.epoch IS 'Tells this life of the flow from another one of the same id, before or after.';
COMMENT ON COLUMN analytics.timeline.latest IS 'Whether this is the life the id stands for now.';
COMMENT ON COLUMN analytics.timeline.job_id IS 'Id of the job.';
COMMENT ON COLUMN analytics.timeline.name IS 'Name of the job within its flow.';
COMMENT ON COLUMN analytics.timeline.label IS 'What people read.';
COMMENT ON COLUMN analytics.timeline.attempt IS 'Number of the attempt, from 1; 0 for a job that has not begun.';
COMMENT ON COLUMN analytics.timeline.execution_id IS 'Id of the execution; NULL where there is none.';
COMMENT ON COLUMN analytics.timeline.status IS 'pending, running, succeeded or failed: of the attempt.';
COMMENT ON COLUMN analytics.timeline.phase IS 'Name of the outermost group that contains the job, such as provisioner or bootstrap-kit; empty for none.';
COMMENT ON COLUMN analytics.timeline.group_id IS 'Id of the group the job is directly in; NULL for none.';
COMMENT ON COLUMN analytics.timeline.region IS 'Region; empty where none is named.';
COMMENT ON COLUMN analytics.timeline.component IS 'Chart, or the job''s name where there is none.';
COMMENT ON COLUMN analytics.timeline.chart_version IS 'Chart version of the job''s latest attempt; empty where not known.';
COMMENT ON COLUMN analytics.timeline.waiting_from IS 'When the wait for this attempt began: when the job was first heard of, or its previous attempt ended; with the flow''s start where history does not say.';
COMMENT ON COLUMN analytics.timeline.waited_on IS 'Ids of the jobs and groups the job comes after that had not ended at waiting_from; for a job that has not begun, those that hold it up now.';
COMMENT ON COLUMN analytics.timeline.blocker_job_id IS 'Id of the job that ended the wait: of all the job comes after (by finish-to-start edges of its own and of the groups it is in; a group ends with its last job) and its own previous attempt, the one that ended last before this attempt began. What had begun and not ended by then counts as ended at that moment. NULL for none, and while the wait goes on.';
COMMENT ON COLUMN analytics.timeline.blocker_attempt IS 'Number of the blocker''s attempt.';
COMMENT ON COLUMN analytics.timeline.waited_seconds IS 'Seconds from waiting_from to started_at, or to now.';
COMMENT ON COLUMN analytics.timeline.blocked_seconds IS 'Seconds of the wait until the blocker ended.';
COMMENT ON COLUMN analytics.timeline.idle_seconds IS 'Seconds of the wait from then on: nothing stood in the way.';
COMMENT ON COLUMN analytics.timeline.started_at IS 'Beginning.';
COMMENT ON COLUMN analytics.timeline.ended_at IS 'End; NULL while it runs.';
COMMENT ON COLUMN analytics.timeline.until IS 'ended_at, or now while it runs.';
COMMENT ON COLUMN analytics.timeline.ran_seconds IS 'Seconds from started_at to until.';
COMMENT ON COLUMN analytics.timeline.later IS 'Whether this is no part of the provision: an attempt after the job had succeeded once (an upgrade), or a job of day-2-mutations.';
COMMENT ON COLUMN analytics.timeline.critical IS 'Whether slack_seconds is 0. While the flow runs: as things stand now.';
COMMENT ON COLUMN analytics.timeline.slack_seconds IS 'How many seconds later the attempt could have ended without moving the end of the last attempt: the least, over what comes after it, of that one''s slack and the time by which this attempt ended before its blocker. NULL for what has not begun and what is later.';
COMMENT ON COLUMN analytics.timeline.path_step IS 'Place on the critical path, from 1: the walk back from the attempt that ended last, from blocker to blocker. NULL off the path.';
COMMENT ON COLUMN analytics.timeline.path_idle_seconds IS 'Seconds on the path from the blocker''s end (or the flow''s start) to started_at.';
COMMENT ON COLUMN analytics.timeline.path_ran_seconds IS 'Seconds on the path from started_at to until, or to the beginning of the next step where that is earlier. Over the path idle and run add up to the time from the flow''s start to the end of the last attempt.';
COMMENT ON COLUMN analytics.timeline.position IS 'Order of the job''s first appearance in the flow.';

COMMENT ON VIEW analytics.provisions IS
    'One row for each life of a flow, also of those whose live state is removed.';
COMMENT ON COLUMN analytics.provisions.flow_id IS 'Id of the flow; for a deployment''s flow that of the deployment.';
COMMENT ON COLUMN analytics.provisions.epoch IS 'Tells this life of the flow from another one of the same id, before or after.';
COMMENT ON COLUMN analytics.provisions.latest IS 'Whether this is the life the id stands for now.';
COMMENT ON COLUMN analytics.provisions.removed IS 'Whether the flow''s live state is gone.';
COMMENT ON COLUMN analytics.provisions.definition_id IS 'What the flow is a run of; empty where nobody said.';
COMMENT ON COLUMN analytics.provisions.provider IS 'Provider in the deployment''s record; empty where there is none.';
COMMENT ON COLUMN analytics.provisions.regions IS 'Regions in the deployment''s record, the primary one first.';
COMMENT ON COLUMN analytics.provisions.outcome IS 'pending, running, succeeded or failed: the flow''s status.';
COMMENT ON COLUMN analytics.provisions.started_at IS 'When the first attempt of the first job began. What is done again later does not move it, as it does the flow''s own start.';
COMMENT ON COLUMN analytics.provisions.ended_at IS 'When the last job ended; NULL until all have.';
COMMENT ON COLUMN analytics.provisions.provisioned_at IS 'When the provision was over: ended_at, or the end of the last attempt that is not later, once each job has succeeded or ended; NULL before.';
COMMENT ON COLUMN analytics.provisions.duration_seconds IS 'Seconds from started_at to provisioned_at, or to now.';
COMMENT ON COLUMN analytics.provisions.phase_seconds IS 'Object: seconds between the first beginning and the last end (or now) in each phase, by its name.';
COMMENT ON COLUMN analytics.provisions.jobs IS 'Number of jobs (leaves).';
COMMENT ON COLUMN analytics.provisions.jobs_pending IS 'Number of those that are pending.';
COMMENT ON COLUMN analytics.provisions.jobs_running IS 'Number of those that are running.';
COMMENT ON COLUMN analytics.provisions.jobs_succeeded IS 'Number of those that have succeeded.';
COMMENT ON COLUMN analytics.provisions.jobs_failed IS 'Number of those that have failed.';
COMMENT ON COLUMN analytics.provisions.attempts IS 'Number of attempts that have begun.';
COMMENT ON COLUMN analytics.provisions.retries IS 'Number of attempts after one that failed.';
COMMENT ON COLUMN analytics.provisions.path_seconds IS 'Seconds run on the critical path.';
COMMENT ON COLUMN analytics.provisions.path_idle_seconds IS 'Seconds idle on the critical path.';
COMMENT ON COLUMN analytics.provisions.first_failure_job_id IS 'Id of the job whose attempt failed first; NULL where none did.';
COMMENT ON COLUMN analytics.provisions.first_failure_attempt IS 'Number of that attempt.';
COMMENT ON COLUMN analytics.provisions.first_failed_at IS 'When it failed.';

COMMENT ON VIEW analytics.phases IS
    'One row for each phase of each provision, without what is later.';
COMMENT ON COLUMN analytics.phases.flow_id IS 'Id of the flow; for a deployment''s flow that of the deployment.';
COMMENT ON COLUMN analytics.phases.epoch IS 'Tells this life of the flow from another one of the same id, before or after.';
COMMENT ON COLUMN analytics.phases.latest IS 'Whether this is the life the id stands for now.';
COMMENT ON COLUMN analytics.phases.phase IS 'Name of the outermost group; empty for jobs in none.';
COMMENT ON COLUMN analytics.phases.started_at IS 'First beginning.';
COMMENT ON COLUMN analytics.phases.ended_at IS 'Last end; NULL until all in it has ended.';
COMMENT ON COLUMN analytics.phases.seconds IS 'Seconds from started_at to the last end, or to now.';
COMMENT ON COLUMN analytics.phases.jobs IS 'Number of jobs.';
COMMENT ON COLUMN analytics.phases.failed_attempts IS 'Number of attempts that failed.';

COMMENT ON VIEW analytics.blockers IS
    'One row for each wait: what ended it, or that it goes on.';
COMMENT ON COLUMN analytics.blockers.flow_id IS 'Id of the flow; for a deployment''s flow that of the deployment.';
COMMENT ON COLUMN analytics.blockers.epoch IS 'Tells this life of the flow from another one of the same id, before or after.';
COMMENT ON COLUMN analytics.blockers.latest IS 'Whether this is the life the id stands for now.';
COMMENT ON COLUMN analytics.blockers.job_id IS 'Id of the job that waited.';
COMMENT ON COLUMN analytics.blockers.name IS 'Its name.';
COMMENT ON COLUMN analytics.blockers.attempt IS 'Number of the attempt it waited for; 0 while it has not begun.';
COMMENT ON COLUMN analytics.blockers.waiting_from IS 'When the wait began.';
COMMENT ON COLUMN analytics.blockers.waiting_until IS 'When the attempt began; NULL while it waits.';
COMMENT ON COLUMN analytics.blockers.waited_seconds IS 'Seconds waited, up to now while it waits.';
COMMENT ON COLUMN analytics.blockers.waited_on IS 'Ids of the jobs and groups that had not ended at waiting_from.';
COMMENT ON COLUMN analytics.blockers.blocker_job_id IS 'Id of the job whose end ended the wait; NULL for none, and while it goes on.';
COMMENT ON COLUMN analytics.blockers.blocker_attempt IS 'Number of the blocker''s attempt.';
COMMENT ON COLUMN analytics.blockers.blocked_seconds IS 'Seconds of the wait until the blocker ended.';
COMMENT ON COLUMN analytics.blockers.idle_seconds IS 'Seconds of the wait from then on.';

COMMENT ON VIEW analytics.concurrency IS
    'How many attempts ran at each moment of a flow: one row for each moment at which one began or ended.';
COMMENT ON COLUMN analytics.concurrency.flow_id IS 'Id of the flow; for a deployment''s flow that of the deployment.';
COMMENT ON COLUMN analytics.concurrency.epoch IS 'Tells this life of the flow from another one of the same id, before or after.';
COMMENT ON COLUMN analytics.concurrency.latest IS 'Whether this is the life the id stands for now.';
COMMENT ON COLUMN analytics.concurrency.at IS 'The moment.';
COMMENT ON COLUMN analytics.concurrency.until IS 'The next one; NULL after the last.';
COMMENT ON COLUMN analytics.concurrency.running IS 'Number of attempts that run from at to until.';

COMMENT ON VIEW analytics.component_stats IS
    'What each component did in all provisions: component_stats(from, to) over all time.';
COMMENT ON COLUMN analytics.component_stats.component IS 'Chart, or the job''s name where there is none.';
COMMENT ON COLUMN analytics.component_stats.runs IS 'Number of attempts that have ended.';
COMMENT ON COLUMN analytics.component_stats.flows IS 'Number of provisions they were in.';
COMMENT ON COLUMN analytics.component_stats.failures IS 'Number of attempts that failed.';
COMMENT ON COLUMN analytics.component_stats.retries IS 'Number of attempts after one that failed.';
COMMENT ON COLUMN analytics.component_stats.waited_p50_seconds IS 'Time waited for attempts that are not later, 50th percentile (interpolated), in seconds.';
COMMENT ON COLUMN analytics.component_stats.waited_p90_seconds IS 'Time waited for attempts that are not later, 90th percentile (interpolated), in seconds.';
COMMENT ON COLUMN analytics.component_stats.waited_p99_seconds IS 'Time waited for attempts that are not later, 99th percentile (interpolated), in seconds.';
COMMENT ON COLUMN analytics.component_stats.ran_p50_seconds IS 'Time run by attempts that succeeded, 50th percentile (interpolated), in seconds.';
COMMENT ON COLUMN analytics.component_stats.ran_p90_seconds IS 'Time run by attempts that succeeded, 90th percentile (interpolated), in seconds.';
COMMENT ON COLUMN analytics.component_stats.ran_p99_seconds IS 'Time run by attempts that succeeded, 99th percentile (interpolated), in seconds.';

COMMENT ON VIEW analytics.flakiness IS
    'How often each component failed and went well in the end, over all provisions, without what is later.';
COMMENT ON COLUMN analytics.flakiness.component IS 'Chart, or the job''s name where there is none.';
COMMENT ON COLUMN analytics.flakiness.flows IS 'Number of its jobs, one in each provision and region, with an attempt that has ended.';
COMMENT ON COLUMN analytics.flakiness.flaky IS 'Number of those in which an attempt failed and one succeeded.';
COMMENT ON COLUMN analytics.flakiness.failed IS 'Number of those in which none has succeeded.';
COMMENT ON COLUMN analytics.flakiness.flaky_ratio IS 'flaky / flows, from 0 to 1.';
COMMENT ON COLUMN analytics.flakiness.failures IS 'Number of attempts that failed.';
COMMENT ON COLUMN analytics.flakiness.last_failed_at IS 'When one failed last; NULL where none did.';

COMMENT ON FUNCTION analytics.component_stats(timestamptz, timestamptz, text, text) IS
    'What each component did in attempts that began in a window, one row for each, with the columns of the view component_stats. window_from is in the window and window_to is not; only_region: NULL for all regions together; flow_prefix: of the ids of the flows that count.';
COMMENT ON FUNCTION analytics.critical_path(text) IS
    'The critical path of a flow, in order of time. step: from 1. started_at, ended_at: of the attempt. idle_seconds: from the blocker''s end (or the flow''s start) to its beginning. ran_seconds: from its beginning to its end, or to the next step''s beginning where that is earlier. The other columns are those of timeline.';
COMMENT ON FUNCTION analytics.compare(text, text) IS
    'How flow_b differs from flow_a, job by job (by name), those that differ most first; jobs that do not differ are not in it, nor is what is later. change: only-in-a, only-in-b, faster, slower (by the time run in all attempts), same (that time is equal, something else is not). path: on (critical in both), off (in neither), moved-on, moved-off (in b). more_seconds: run in b less run in a. Of each side: job_id, status of the last attempt, attempts, seconds waited and run in all of them, critical.';
COMMENT ON FUNCTION analytics.diagnose(text) IS
    'What failed in a flow whose live state is there, and what that stops. role: root (a failed job that comes after no other failed one), stopped (has not begun, or failed, after a root). failed_at, attempt, execution_id: of the last attempt. reason: as the source said it, else the last error in its log. stops: how many jobs a root stops. roots: ids of the roots a stopped job comes after. only_by_roots: whether nothing that runs or may yet begin holds it up beside them.';
COMMENT ON FUNCTION analytics.at(text, timestamptz, timestamptz) IS
    'A flow whose live state is there as it was at a moment, from its history: one row for each job, each group and the flow. At or after clock: as it is now. kind: job, group or flow. status: pending, running, succeeded or failed; of groups and the flow rolled up as ever. attempt: number of attempts begun by then. failed: of a group and the flow, number of failed jobs in it. started_at, ended_at: as clients would have seen them. Who contains whom is as it is now; what was taken out meanwhile has its id for a name and is in no group, and a group that held something only meanwhile may be there or not. An emitter''s own word on the flow''s status and times is in no history: it is what was said last, seen as of the moment (pending before the start, running before the end).';
COMMENT ON FUNCTION analytics.estimate(text, timestamptz, integer) IS
    'What remains of a running flow: a row for the flow (kind flow) and one for each job that has not ended (kind job; job_id is NULL for one that earlier provisions had and this one does not know yet). low_seconds, high_seconds: seconds from clock to the end; four in five provisions of the shape end between them. NULL where that is not known: no earlier provision of the shape, or a failed job in the way. runs: how many earlier provisions it rests on, at most most. Of the same shape are those that succeeded, began earlier, have the same provider and definition, and had every job that is known here. This flow is run to its end once with the durations of each of them.';
COMMENT ON FUNCTION analytics.runs_like(text, integer) IS
    'The earlier provisions of a flow''s shape, latest first, on which estimate rests.';
COMMENT ON FUNCTION analytics.jobs_of(text[], text[]) IS
    'What each job of some provisions took, without what is later. run: which of run_flows and run_epochs, from 1. place: numbers the jobs of all of them, each one''s in the order of beginning. offset_seconds: from the first beginning in its provision to the job''s. ran_seconds: from the job''s first beginning to its success, retries included. blocker_job_id: of its first attempt. For estimate.';
COMMENT ON FUNCTION analytics.runs_beside(text, text[], text[]) IS
    'Earlier provisions, job by job as in jobs_of, beside what this flow''s job of that name does now (job_id, status, started_at, ended_at). after: by place, which jobs have to end before it, here and there. For estimate.';
COMMENT ON FUNCTION analytics.held_by(text, text[]) IS
    'Which jobs cannot begin, or failed, because the jobs named in origins have not done their part: one row for each pair. For diagnose.';
COMMENT ON FUNCTION analytics.live_timeline(text, timestamptz) IS
    'The timeline of a flow whose live state is there, computed as of clock, with the columns of timeline.';
COMMENT ON FUNCTION analytics.live_provision(text, timestamptz) IS
    'The part of a flow''s row in provisions that follows from its timeline, computed as of clock, with the columns of provisions.';
COMMENT ON FUNCTION analytics.live_attempts(text, timestamptz) IS
    'The attempts of a flow in the order in which live_timeline goes over them.';
COMMENT ON FUNCTION analytics.start_of(text) IS
    'When the provision of a flow whose live state is there began: the flow''s start, or its first attempt where that was earlier.';
COMMENT ON FUNCTION analytics.clock_of(text, timestamptz) IS
    'The moment as of which a flow is looked at: clock, but not later than the flow''s end.';
COMMENT ON TYPE analytics.live_attempt IS
    'An attempt as live_timeline needs it; see timeline for what the columns mean.';

-- +goose Down
COMMENT ON SCHEMA analytics IS NULL;
