#include "stages/lakeseg_doctor/lakeseg_doctor.h"

#include <string.h>

#include "pipeline/aws/athena.h"
#include "pipeline/aws/customer.h"
#include "pipeline/aws/endpoint.h"
#include "pipeline/aws/probe.h"
#include "pipeline/aws/sts.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/uri.h"
#include "stages/lakeseg_doctor/report.h"

/* A round of the doctor's. */
struct round {
    struct pl_aws aws;
    struct doctor_report report;
    const struct pl_manifest *job; /* or NULL */
};

static void round_release(struct round *r)
{
    pl_aws_release(&r->aws);
    doctor_report_release(&r->report);
}

/* What the job says, else the variable; NULL for neither. */
static const char *place(const struct round *r, const char *path,
                         const char *env)
{
    const char *text = r->job != NULL ? pl_manifest_str(r->job, path) : NULL;

    return env != NULL ? pl_setting_of(NULL, text, env) : text;
}

static void set(struct round *r, const char *key, json_t *take)
{
    (void)json_object_set_new(r->report.settings, key, take);
}

static json_t *with_from(const char *value, const char *from)
{
    return json_pack("{s:s,s:s}", "value", value, "from", from);
}

/* "AKIA...MPLE" */
static void mask_key(const char *key, char out[32])
{
    const size_t len = strlen(key);
    const int shown = len >= 12 ? 4 : len >= 3 ? 1 : 0;

    (void)snprintf(out, 32, "%.*s...%s", shown, key, key + len - shown);
}

static void show_proxies(struct round *r)
{
    static const char *const names[] = {
        "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY",
        "all_proxy",   "ALL_PROXY",   "no_proxy",   "NO_PROXY"};
    char text[128] = "";

    for (size_t i = 0; i < PL_COUNT(names); i++) {
        const size_t at = strlen(text);

        if (pl_env(names[i]) != NULL) /* the value may hold a password */
            (void)snprintf(text + at, sizeof(text) - at, "%s%s",
                           at > 0 ? ", " : "by ", names[i]);
    }
    if (text[0] != '\0')
        set(r, "proxy", json_string(text));
}

static void show_ca_bundle(struct round *r)
{
    const char *path = pl_env("AWS_CA_BUNDLE");
    char found[PL_PROFILE_VALUE];

    if (path != NULL)
        set(r, "ca_bundle", with_from(path, "AWS_CA_BUNDLE"));
    else if (pl_profiles_get(&r->aws.profiles, PL_PROFILE_EITHER,
                             r->aws.profile, "ca_bundle", found, sizeof(found)))
        set(r, "ca_bundle", with_from(found, "profile"));
}

static void show_settings(struct round *r)
{
    const struct pl_aws *aws = &r->aws;

    set(r, "version", json_string(LAKESEG_VERSION));
    set(r, "profile", json_string(aws->profile));
    set(r, "region", with_from(aws->region, aws->region_from));
    set(r, "partition", json_string(pl_partition_of(aws->region)->name));
    set(r, "attempts", json_integer(aws->retry.max_attempts));
    show_ca_bundle(r);
    show_proxies(r);
}

static void show_endpoints(struct round *r)
{
    json_t *all = json_object();

    for (int i = 0; i < PL_AWS_SERVICES; i++) {
        const enum pl_aws_service service = (enum pl_aws_service)i;
        const struct doctor_check check = {.name = "endpoint",
                                           .target = pl_service_name(service)};
        PL_AUTO(pl_buf) base = PL_BUF_INIT;
        char url[PL_ENDPOINT_URL];
        char from[128];
        struct pl_err cause = {0};

        if (pl_endpoint_configured(&r->aws, service, url, from, &cause) != 0 ||
            pl_aws_endpoint(&r->aws, service, NULL, NULL, &base, NULL,
                            &cause) != 0) {
            doctor_report_add(&r->report, &check, NULL, &cause);
            continue;
        }
        (void)json_object_set_new(
            all, pl_service_name(service),
            with_from(base.data, from[0] != '\0' ? from : "AWS"));
    }
    set(r, "endpoints", all);
}

static int check_credentials(struct round *r)
{
    const struct doctor_check check = {.name = "credentials", .target = ""};
    const struct pl_credentials_chain *chain = &r->aws.chain;
    const struct pl_credentials *keys = NULL;
    struct pl_err cause = {0};
    char until[PL_TIME_LEN] = "";
    char key[32];

    if (pl_credentials_get(&r->aws, &keys, &cause) != 0) {
        doctor_report_add(&r->report, &check, NULL, &cause);
        return -1;
    }
    mask_key(keys->access_key, key);
    if (keys->expires_at != 0)
        pl_time_iso(keys->expires_at * 1000, until);
    set(r, "credentials",
        json_pack("{s:s,s:s,s:s,s:s*,s:b}", "value", chain->kind, "from",
                  chain->source, "access_key", key, "until",
                  keys->expires_at != 0 ? until : NULL, "is_temporary",
                  keys->session_token[0] != '\0'));
    return 0;
}

static void check_caller(struct round *r)
{
    const struct doctor_check check = {.name = "sts GetCallerIdentity",
                                       .target = ""};
    struct pl_sts_identity who;
    struct pl_err cause = {0};

    if (pl_sts_get_caller_identity(&r->aws, &who, &cause) != 0)
        doctor_report_add(&r->report, &check, NULL, &cause);
    else
        doctor_report_add(&r->report, &check, who.arn, NULL);
}

/* Several settings may name one place. */
static bool was_checked(const struct round *r, const char *uri)
{
    const json_t *check;
    size_t i;

    json_array_foreach(r->report.checks, i, check)
    {
        if (strcmp(json_string_value(json_object_get(check, "target")), uri) ==
            0)
            return true;
    }
    return false;
}

static void check_place(struct round *r, const char *uri)
{
    char resource[128] = "";
    const struct doctor_check check = {.name = "s3 ListObjectsV2",
                                       .target = uri,
                                       .permission = "s3:ListBucket",
                                       .resource = resource};
    struct pl_uri place_uri;
    struct pl_err cause = {0};

    if (uri == NULL || *uri == '\0' || was_checked(r, uri))
        return;
    if (pl_uri_parse(uri, &place_uri, &cause) == 0) {
        if (!place_uri.is_s3)
            return;
        (void)snprintf(resource, sizeof(resource), "arn:%s:s3:::%s",
                       pl_partition_of(r->aws.region)->name, place_uri.bucket);
        if (pl_probe_bucket(&r->aws, place_uri.bucket, place_uri.path,
                            &cause) == 0) {
            doctor_report_add(&r->report, &check, NULL, NULL);
            return;
        }
    }
    doctor_report_add(&r->report, &check, NULL, &cause);
}

static void check_workgroup(struct round *r)
{
    const char *name = place(r, "query.workgroup", "LAKESEG_WORKGROUP");
    struct doctor_check check = {.name = "athena GetWorkGroup",
                                 .permission = "athena:GetWorkGroup"};
    struct pl_athena_workgroup group;
    struct pl_err cause = {0};

    if (name == NULL &&
        (r->job == NULL || pl_manifest_get(r->job, "query") == NULL))
        return;
    check.target = name != NULL ? name : "primary";
    if (pl_athena_workgroup(&r->aws, check.target, &group, &cause) == 0) {
        if (group.is_enabled) {
            doctor_report_add(&r->report, &check, NULL, NULL);
            check_place(r, group.output_uri);
            return;
        }
        (void)pl_fail(&cause, PL_CONFIG_INVALID, "work group '%s' is disabled",
                      check.target);
    }
    doctor_report_add(&r->report, &check, NULL, &cause);
}

static void check_places(struct round *r)
{
    check_place(r, place(r, "query.output_uri", "LAKESEG_OUTPUT_URI"));
    check_place(r, place(r, "run.work_uri", NULL));
    for (size_t i = 0; r->job != NULL && i < pl_manifest_data_count(r->job);
         i++) {
        struct pl_data data;
        struct pl_err ignored = {0};

        if (pl_manifest_data_get(r->job, i, &data, &ignored) == 0)
            check_place(r, data.uri);
    }
}

static void check_application(struct round *r)
{
    const char *id =
        place(r, "import.application_id", "LAKESEG_APPLICATION_ID");
    const struct doctor_check check = {
        .name = "pinpoint GetApp",
        .target = id,
        .permission = "mobiletargeting:GetApp",
        .hint = "an import itself needs mobiletargeting:CreateImportJob, "
                "GetImportJob, GetImportJobs and iam:PassRole"};
    struct pl_err cause = {0};

    if (id == NULL)
        return;
    if (pl_probe_application(&r->aws,
                             place(r, "import.region", "LAKESEG_IMPORT_REGION"),
                             id, &cause) == 0)
        doctor_report_add(&r->report, &check, NULL, NULL);
    else
        doctor_report_add(&r->report, &check, NULL, &cause);
}

static void check_domain(struct round *r)
{
    const char *name = place(r, "import.domain", "LAKESEG_DOMAIN");
    const struct doctor_check check = {
        .name = "profile GetDomain",
        .target = name,
        .permission = "profile:GetDomain",
        .hint = "an import itself needs profile:CreateUploadJob, "
                "GetUploadJob, GetUploadJobPath, ListUploadJobs, "
                "StartUploadJob and SearchProfiles"};
    const struct pl_customer customer = {
        .aws = &r->aws,
        .region = place(r, "import.region", "LAKESEG_IMPORT_REGION"),
        .domain = name};
    struct pl_err cause = {0};

    if (name == NULL)
        return;
    if (pl_customer_probe(&customer, &cause) == 0)
        doctor_report_add(&r->report, &check, NULL, NULL);
    else
        doctor_report_add(&r->report, &check, NULL, &cause);
}

static void check_topic(struct round *r)
{
    const char *arn = place(r, "notify.topic_arn", "LAKESEG_TOPIC_ARN");
    const struct doctor_check check = {
        .name = "sns GetTopicAttributes",
        .target = arn,
        .permission = "sns:GetTopicAttributes",
        .resource = arn,
        .hint = "a notification itself needs sns:Publish, which cannot be "
                "tried without a message"};
    struct pl_err cause = {0};

    if (arn == NULL)
        return;
    if (pl_probe_topic(&r->aws, arn, &cause) == 0)
        doctor_report_add(&r->report, &check, NULL, NULL);
    else
        doctor_report_add(&r->report, &check, NULL, &cause);
}

static void look(struct round *r, const struct lakeseg_doctor_config *cfg)
{
    const struct doctor_check check = {.name = "settings", .target = ""};
    struct pl_err cause = {0};

    if (pl_aws_open(&r->aws, NULL, &cause) != 0) {
        doctor_report_add(&r->report, &check, NULL, &cause);
        return;
    }
    show_settings(r);
    show_endpoints(r);
    if (check_credentials(r) != 0 || cfg->without_calls)
        return;
    check_caller(r);
    check_workgroup(r);
    check_places(r);
    check_application(r);
    check_domain(r);
    check_topic(r);
}

int lakeseg_doctor_run(const struct lakeseg_doctor_config *cfg,
                       const struct pl_manifest *job, struct pl_buf *report,
                       struct pl_err *first, struct pl_err *err)
{
    PL_AUTO(round) r = {.job = job};

    pl_err_clear(first);
    if (doctor_report_open(&r.report, first, err) != 0)
        return -1;
    look(&r, cfg);
    return doctor_report_print(&r.report, cfg->is_json, report, err);
}
