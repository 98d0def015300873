/* A profile's credential_process (sources 8.8): its command line is split
 * into words, no shell runs it. */
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/profiles.h"
#include "pipeline/base/command.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"

#define TIMEOUT_MS 60000 /* it may ask a service or two */
#define OUTPUT_MAX 65536
#define ERRORS_MAX 8192

/* What it complained of goes to the log line by line, masked; *last is the
 * last of it. */
static void pass_on(const struct pl_buf *errors, char last[256])
{
    const char *p = pl_buf_str(errors);

    last[0] = '\0';
    while (*p != '\0') {
        const int len = (int)strcspn(p, "\r\n");
        char line[512];

        (void)snprintf(line, sizeof(line), "%.*s", len, p);
        if (len > 0) {
            pl_credentials_mask(line, last, 256);
            pl_warn("credential_process: %s", last);
        }
        p += len;
        p += strspn(p, "\r\n");
    }
}

static int run(const char *line, struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO(pl_words) words = {.text = NULL};
    PL_AUTO(pl_buf) errors = PL_BUF_INIT_MAX(ERRORS_MAX);
    char last[256];
    int status = 0;
    int rc;

    if (pl_words_split(line, &words, err) != 0)
        return -1;
    rc = pl_command_run(&words, TIMEOUT_MS, out, &errors, &status, err);
    pass_on(&errors, last);
    if (errors.data != NULL)
        pl_wipe(errors.data, errors.cap);
    if (rc != 0 || status == 0)
        return rc;
    return pl_fail(err, PL_CREDENTIALS_MISSING, "'%s' ended with %d%s%s",
                   words.argv[0], status, *last != '\0' ? ": " : "", last);
}

int pl_credentials_process(struct pl_aws *aws, const char *profile,
                           struct pl_found *found, struct pl_err *err)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT_MAX(OUTPUT_MAX);
    char line[PL_PROFILE_VALUE];
    int rc;

    if (profile == NULL ||
        !pl_profiles_get(&aws->profiles, PL_PROFILE_EITHER, profile,
                         "credential_process", line, sizeof(line)))
        return 0;
    pl_found_set(found, true, "process", "credential_process of profile '%s'",
                 profile);
    rc = run(line, &out, err);
    if (rc == 0)
        rc = pl_credentials_parse_process(pl_buf_str(&out), out.len,
                                          &found->keys, err);
    if (out.data != NULL)
        pl_wipe(out.data, out.cap);
    return rc == 0
               ? 0
               : pl_context(err, "credential_process of profile '%s'", profile);
}
