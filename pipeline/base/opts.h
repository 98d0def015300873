/*
 * opts.h - one table per program: parsing, --help and the man page.
 *
 * Long options only, "--name value" or "--name=value"; a flag takes no value.
 * Every program also has --help (--help=man prints its manual page, in
 * mdoc-free roff), --version and --log LEVEL.
 *
 * A setting is looked for in this order: option, manifest, environment
 * (LAKESEG_*), default. Options therefore start as "not given" (NULL, PL_UNSET)
 * and pl_setting_*() picks the first that is there.
 */
#ifndef PL_BASE_OPTS_H
#define PL_BASE_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

#define PL_UNSET INT64_MIN

enum pl_opt_type {
    PL_OPT_STR,  /* const char **: points into argv */
    PL_OPT_INT,  /* int64_t *: decimal; PL_UNSET when not given */
    PL_OPT_SIZE, /* int64_t *: bytes, with K, M, G (powers of 1024) */
    PL_OPT_FLAG  /* bool * */
};

struct pl_opt {
    const char *name; /* NULL ends the table */
    enum pl_opt_type type;
    void *value;
    const char *meta; /* "URI"; NULL for a flag */
    const char *help; /* one line, lower case */
    const char *env;  /* the LAKESEG_ variable that also sets it, or NULL */
};

/* A command of a program that has some, with a table of its own. */
struct pl_command {
    const char *name; /* NULL ends the table */
    const char *summary;
};

struct pl_cli {
    const char *name;     /* "s3-put"; of a command "lakeseg run" */
    const char *summary;  /* one line, no full stop */
    const char *operands; /* "[FILE]", or NULL when there are none */
    const struct pl_command *commands; /* listed by --help; NULL: none */
    const char *text;     /* description; paragraphs parted by blank lines */
    const char *examples; /* lines to print verbatim, or NULL */
    const char *see_also; /* "athena-exec(1), sns-notify(1)" */
    const struct pl_opt *opts;
};

/*
 * Reads argv. Returns 0, or 1 when --help or --version was answered on
 * standard output (the caller then ends with 0), or -1 with PL_USAGE_INVALID.
 * Operands may stand between options, and behind "--"; they are moved to the
 * end of argv, *first on. first NULL: operands are refused.
 */
int pl_opts_parse(const struct pl_cli *cli, int argc, char **argv, int *first,
                  struct pl_err *err) PL_MUST_CHECK;

/* The command most like name, NULL when none is like it. */
const struct pl_command *pl_command_nearest(const struct pl_command *commands,
                                            const char *name);

/* An environment variable; NULL when it is not set or empty. */
const char *pl_env(const char *name);
/* The first of: opt if not NULL or "", the environment's env, fallback. */
const char *pl_setting(const char *opt, const char *env, const char *fallback);
/* The first of: opt, manifest, the environment's env; NULL when none is. */
const char *pl_setting_of(const char *opt, const char *manifest,
                          const char *env);
/* The same for numbers; a malformed variable is PL_CONFIG_INVALID. */
int pl_setting_int(int64_t opt, const char *env, int64_t fallback, int64_t *out,
                   struct pl_err *err) PL_MUST_CHECK;
/* Reads "65536", "64K", "8M", "1G". */
int pl_parse_size(const char *text, int64_t *bytes) PL_MUST_CHECK;

#endif
