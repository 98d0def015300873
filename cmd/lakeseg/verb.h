/*
 * verb.h - the commands of lakeseg. Each is a file of this folder with its own
 * option table, --help and manual page (lakeseg-run.1), and one line in the
 * table of cmd/lakeseg.c.
 */
#ifndef LAKESEG_VERB_H
#define LAKESEG_VERB_H

#include "pipeline/manifest/manifest.h"

/* argv[0] is the verb itself. The exit status. */
typedef int verb_main(int argc, char **argv);

verb_main verb_check;
verb_main verb_doctor;
verb_main verb_init;
verb_main verb_local;
verb_main verb_preview;
verb_main verb_report;
verb_main verb_restore;
verb_main verb_run;
verb_main verb_runs;
verb_main verb_show;

/* Appends the folder of this program, ending in "/": the stages are there. */
int verb_own_dir(struct pl_buf *dir, struct pl_err *err) PL_MUST_CHECK;
/* Reads a job as pl_job_read() does, or from S3. */
int verb_read_job(const char *path, struct pl_manifest *job,
                  struct pl_err *err) PL_MUST_CHECK;
/* Prints text for a terminal: names come from files, and control characters
 * would be obeyed. */
void verb_print(const char *text);

#endif
