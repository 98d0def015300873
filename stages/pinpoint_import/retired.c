#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "pipeline/aws/endpoint.h"
#include "pipeline/aws/probe.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "stages/pinpoint_import/run.h"

#define LAST_DAY_ENDS "2026-10-31T00:00:00Z" /* sources 10 */

static void add_hint(struct pl_err *err, const char *fmt, ...) PL_PRINTF(2, 3);

static void add_hint(struct pl_err *err, const char *fmt, ...)
{
    const size_t used = strlen(err->msg);
    char hint[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(hint, sizeof(hint), fmt, ap);
    va_end(ap);
    (void)snprintf(err->msg + used, sizeof(err->msg) - used, "; %s", hint);
}

static const char *region_of(const struct pinpoint_run *run)
{
    return run->set.region != NULL ? run->set.region : run->aws->region;
}

/* No endpoint is configured: it is AWS that we asked. */
static bool is_own_host(const struct pinpoint_run *run)
{
    char url[PL_ENDPOINT_URL];
    char from[128];
    struct pl_err ignored = {0};

    return pl_endpoint_configured(run->aws, PL_AWS_PINPOINT, url, from,
                                  &ignored) == 0 &&
           url[0] == '\0';
}

static bool is_after_the_end(const struct pinpoint_run *run)
{
    int64_t end_ms = 0;

    return pl_time_parse_iso(LAST_DAY_ENDS, &end_ms) == 0 &&
           pl_now_ms(&run->aws->clock) + run->aws->skew_ms >= end_ms;
}

/* What the API itself says, and what stands before all of AWS's APIs: keys,
 * signatures, rights, rates. */
static bool is_modelled(const char *code)
{
    static const char *const known[] = {
        "BadRequestException",
        "ConflictException",
        "ForbiddenException",
        "InternalServerErrorException",
        "MethodNotAllowedException",
        "NotFoundException",
        "PayloadTooLargeException",
        "TooManyRequestsException",
        "AccessDenied",
        "AccessDeniedException",
        "NotAuthorized",
        "OptInRequired",
        "ValidationException",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    };

    return pl_is_one_of(code, known, PL_COUNT(known));
}

/* Whether the failure is one that a service which is there would not give. */
static bool is_foreign(const struct pl_err *err)
{
    if (err->sys == ENXIO)
        return true;
    return (err->code == PL_SERVICE_REFUSED || err->code == PL_ACCESS_DENIED ||
            err->code == PL_SERVICE_UNAVAILABLE) &&
           err->http_status > 0 && err->http_status < 500 &&
           !is_modelled(err->service);
}

static bool is_retired(struct pinpoint_run *run, const struct pl_err *cause)
{
    struct pl_err none = {0};

    if (run->set.retired_check == PINPOINT_RETIRED_NEVER || !is_own_host(run) ||
        !is_foreign(cause))
        return false;
    if (run->set.retired_check == PINPOINT_RETIRED_ALWAYS)
        return true;
    if (!is_after_the_end(run))
        return false;
    if (pl_probe_host(run->aws, PL_AWS_STS, region_of(run), &none) == 0)
        return true;
    pl_debug("no other host of AWS answers: %s", none.msg);
    return false;
}

int pinpoint_explain(struct pinpoint_run *run, struct pl_err *err)
{
    if (is_retired(run, err)) {
        const struct pl_err cause = *err;

        pl_err_clear(err);
        return pl_fail(err, PL_RETIRED,
                       "Amazon Pinpoint has ended on 2026-10-30 (%.300s); "
                       "Customer Profiles takes the same query: set "
                       "import.destination to customer-profiles, with "
                       "import.domain and import.key",
                       cause.msg);
    }
    if (err->sys == ENXIO)
        add_hint(err, "look at region '%.64s', name resolution and proxies",
                 region_of(run));
    else if (err->code == PL_ACCESS_DENIED)
        add_hint(err,
                 "mobiletargeting:CreateImportJob, GetImportJob, "
                 "GetImportJobs%s on the application and iam:PassRole on '%s' "
                 "are needed",
                 run->set.define_segment ? ", GetSegment, GetSegments" : "",
                 run->set.role_arn);
    else if (err->http_status == 404)
        add_hint(err, "is '%.130s' an application in region '%.64s'?",
                 run->set.application_id, region_of(run));
    return -1;
}
