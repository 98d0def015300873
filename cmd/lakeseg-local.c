/* lakeseg-local - stand-ins for the AWS services, for one machine. */
#include <jansson.h>
#include <unistd.h>

#include "local/engine.h"
#include "local/server.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"

#define SCRIPT_MAX ((size_t)16 << 20)

struct options {
    const char *host;
    int64_t port;
    const char *ready_file;
    const char *state;
    const char *lake;
    const char *region;
    const char *buckets;
    const char *apps;
    const char *domains;
    const char *topics;
    const char *keys;
    const char *faults;
    const char *workgroups;
    const char *etag;
    int64_t query_delay_ms;
    int64_t job_delay_ms;
    int64_t import_jobs;
    const char *sql;
    const char *set;
    bool allow_remote;
};

/* The file appears when connections are taken, and is whole then. */
static int write_ready(const struct options *o, const struct local_server *s,
                       const char *host, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    if (o->ready_file == NULL)
        return 0;
    if (pl_buf_addf(&text, err,
                    "{\"url\":\"http://%s:%u\",\"port\":%u,\"pid\":%ld}\n",
                    host, s->port, s->port, (long)getpid()) != 0)
        return -1;
    return pl_file_write(o->ready_file, text.data, text.len, err);
}

static int serve(const struct options *o, const struct local_config *cfg,
                 struct pl_err *err)
{
    struct local local = {.region = NULL};
    struct local_server server = {.local = NULL};
    const char *host = o->host != NULL ? o->host : "127.0.0.1";
    int64_t port;
    int rc = -1;

    if (pl_setting_int(o->port, "LAKESEG_LOCAL_PORT", 0, &port, err) != 0)
        return -1;
    if (port < 0 || port > 65535)
        return pl_fail(err, PL_USAGE_INVALID, "--port must be 0 to 65535");
    if (!o->allow_remote && !pl_starts_with(host, "127."))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--host '%s' is no loopback address; --allow-remote "
                       "permits it",
                       host);
    if (local_open(&local, cfg, err) == 0 &&
        local_server_open(&server, &local, host, (unsigned)port, err) == 0 &&
        write_ready(o, &server, host, err) == 0) {
        pl_info("listening on http://%s:%u, engine: %s", host, server.port,
                local_engine_version() != NULL ? local_engine_version()
                                               : "none (built without DuckDB)");
        while (pl_stop_wait_ms(60000) == 0)
            continue;
        rc = 0;
    }
    local_server_release(&server);
    local_release(&local);
    return rc;
}

static int run_script(const struct options *o, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(SCRIPT_MAX);

    if ((strcmp(o->sql, "-") == 0
             ? pl_fd_read_all(STDIN_FILENO, "standard input", &text, err)
             : pl_file_read(o->sql, &text, err)) != 0)
        return -1;
    if (local_engine_script(pl_buf_str(&text), o->set, err) != 0)
        return pl_context(err, "'%s'", o->sql);
    return 0;
}

static int run(const struct options *o, struct pl_err *err)
{
    struct local_config cfg = {.region = o->region,
                               .lake = o->lake,
                               .state = o->state,
                               .buckets = o->buckets,
                               .apps = o->apps,
                               .domains = o->domains,
                               .topics = o->topics,
                               .keys = o->keys,
                               .faults = o->faults,
                               .workgroups = o->workgroups};

    if (pl_setting_int(o->query_delay_ms, "LAKESEG_LOCAL_QUERY_DELAY_MS", 0,
                       &cfg.query_delay_ms, err) != 0 ||
        pl_setting_int(o->job_delay_ms, "LAKESEG_LOCAL_JOB_DELAY_MS", 0,
                       &cfg.job_delay_ms, err) != 0 ||
        pl_setting_int(o->import_jobs, "LAKESEG_LOCAL_IMPORT_JOBS", 10,
                       &cfg.import_jobs, err) != 0)
        return -1;
    if (cfg.import_jobs < 1 || cfg.import_jobs > 1000)
        return pl_fail(err, PL_USAGE_INVALID, "--import-jobs: 1 to 1000");
    if (o->etag != NULL && strcmp(o->etag, "md5") != 0 &&
        strcmp(o->etag, "opaque") != 0)
        return pl_fail(err, PL_USAGE_INVALID, "--etag is md5 or opaque");
    cfg.has_opaque_etags = o->etag != NULL && strcmp(o->etag, "opaque") == 0;
    if (o->set != NULL && o->sql == NULL)
        return pl_fail(err, PL_USAGE_INVALID, "--set goes with --sql");
    return o->sql != NULL ? run_script(o, err) : serve(o, &cfg, err);
}

static const char text[] =
    "Stands in for S3, Athena, Pinpoint, Customer Profiles, SNS and STS on "
    "one machine: Athena queries really run, on DuckDB, over the files of a "
    "folder; import jobs "
    "fill an endpoint store that can be read back; every signature is "
    "checked.\n\nEach folder in the lake is a table over its *.parquet, *.csv "
    "or *.json files. Objects and endpoints are kept in the state folder."
    "\n\nA rule of --fault is SERVICE.OPERATION=KIND[:VALUE] and any of "
    ",count=N (default 1; 0: always), ,skip=N (let the first N pass) and "
    ",probability=P (then always, without count). Services are s3, athena, "
    "pinpoint, profiles, upload (the file of an upload job), sns and sts; the "
    "operation '*' is every one. Kinds: "
    "error:STATUS[:CODE]; error200[:CODE], the error behind status 200; "
    "outcome:WORD, which a pinpoint.ImportJob shows in place of PROCESSING; "
    "delay:MS; cut[:N], the connection reset after N bytes of the body, with 0 "
    "before anything is done; lost, done but not answered; truncate[:N], the "
    "connection closed after N bytes; short[:N], a body of N bytes with a "
    "Content-Length that agrees; corrupt[:N], one bit of byte N another; "
    "slow:N, N bytes a second; outcome:STATUS, of pinpoint.ImportJob "
    "(FAILED) and profiles.UploadJob. N is half of the body when it is not "
    "given.\n\nSettings of a --workgroup are "
    "output=URI, enforce, cutoff=N (bytes to scan at most), managed (results "
    "are read through Athena only) and disabled.";

int main(int argc, char **argv)
{
    struct options o = {.port = PL_UNSET,
                        .query_delay_ms = PL_UNSET,
                        .job_delay_ms = PL_UNSET,
                        .import_jobs = PL_UNSET};
    const struct pl_opt opts[] = {
        {"host", PL_OPT_STR, &o.host, "ADDRESS",
         "listen here, default 127.0.0.1", NULL},
        {"port", PL_OPT_INT, &o.port, "N", "listen on this port, default any",
         "LAKESEG_LOCAL_PORT"},
        {"allow-remote", PL_OPT_FLAG, &o.allow_remote, NULL,
         "permit an address that others can reach", NULL},
        {"ready-file", PL_OPT_STR, &o.ready_file, "FILE",
         "written once listening: {\"url\", \"port\", \"pid\"}", NULL},
        {"state", PL_OPT_STR, &o.state, "DIR",
         "keep objects and endpoints here, default a temporary folder", NULL},
        {"lake", PL_OPT_STR, &o.lake, "DIR", "the folder with the tables",
         NULL},
        {"region", PL_OPT_STR, &o.region, "NAME",
         "the region, default us-east-1", NULL},
        {"bucket", PL_OPT_STR, &o.buckets, "NAME[@REGION],...",
         "make these buckets at start, perhaps in another region", NULL},
        {"etag", PL_OPT_STR, &o.etag, "KIND",
         "md5 (default), or opaque: no MD5, as under SSE-KMS, and faster",
         NULL},
        {"app", PL_OPT_STR, &o.apps, "ID,...",
         "make these Pinpoint applications at start", NULL},
        {"domain", PL_OPT_STR, &o.domains, "NAME,...",
         "make these Customer Profiles domains at start", NULL},
        {"topic", PL_OPT_STR, &o.topics, "NAME,...",
         "make these SNS topics at start", NULL},
        {"workgroup", PL_OPT_STR, &o.workgroups, "NAME[,SETTING...][;...]",
         "make these Athena work groups at start", NULL},
        {"key", PL_OPT_STR, &o.keys, "KEY,...",
         "accept these AK:SK[:TOKEN[:EXPIRES]], default AWS's example key",
         NULL},
        {"fault", PL_OPT_STR, &o.faults, "RULE[;RULE...]",
         "let requests go wrong: --help=man says how", NULL},
        {"query-delay-ms", PL_OPT_INT, &o.query_delay_ms, "MS",
         "let each query run this much longer", "LAKESEG_LOCAL_QUERY_DELAY_MS"},
        {"job-delay-ms", PL_OPT_INT, &o.job_delay_ms, "MS",
         "let each import job run this much longer",
         "LAKESEG_LOCAL_JOB_DELAY_MS"},
        {"import-jobs", PL_OPT_INT, &o.import_jobs, "N",
         "refuse import jobs while so many run, default 10",
         "LAKESEG_LOCAL_IMPORT_JOBS"},
        {"sql", PL_OPT_STR, &o.sql, "FILE",
         "run this script on DuckDB instead of serving", NULL},
        {"set", PL_OPT_STR, &o.set, "NAME=VALUE,...",
         "with --sql: set variables, read with getvariable()", NULL},
        {.name = NULL}};
    const struct pl_cli cli = {
        .name = "lakeseg-local",
        .summary = "local stand-in for the AWS services that lakeseg uses",
        .text = text,
        .examples = "lakeseg-local --port 8080 --lake examples/lake "
                    "--bucket results --app demo --topic outcome\n"
                    "lakeseg-local --bucket results --fault "
                    "'s3.GetObject=cut:1000,count=2;sns.*=error:503'",
        .see_also = "lakeseg(1)",
        .opts = opts};
    struct pl_err err = {0};
    int rc;

    pl_process_init(cli.name);
    pl_process_listen();
    rc = pl_opts_parse(&cli, argc, argv, NULL, &err);
    if (rc == 1)
        return pl_stdout_close(&err) == 0 ? 0 : pl_process_exit(&err);
    if (rc != 0 || run(&o, &err) != 0)
        return pl_process_exit(&err);
    return 0;
}
