/*
 * settings.h - what one run of athena-exec works with, after options, manifest
 * and environment. The texts are borrowed from them.
 */
#ifndef ATHENA_EXEC_SETTINGS_H
#define ATHENA_EXEC_SETTINGS_H

#include "stages/athena_exec/athena_exec.h"

struct athena_settings {
    const char *run_id;
    const char *output_uri;       /* NULL: the work group's */
    struct pl_athena_query query; /* all but its text, token and parameters */
    int64_t timeout_ms;
    int64_t poll_ms;
    int64_t max_scanned_bytes; /* -1: no limit */
    int64_t min_billed_bytes;
    double price_per_tb; /* -1: not stated */
    int64_t partitions;  /* of an UNLOAD; 0: none */
    bool has_explain;
    bool is_unload;
    bool is_start_only;
    bool is_once;
    const char *wait_id;
};

/* Sets run.id when an option gives it. PL_CONFIG_INVALID (PL_USAGE_INVALID for
 * an option) names what cannot be. */
int athena_settings_choose(struct athena_settings *set,
                           const struct athena_exec_config *cfg,
                           struct pl_manifest *m,
                           struct pl_err *err) PL_MUST_CHECK;

#endif
