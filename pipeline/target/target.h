/*
 * target.h - what each destination takes: columns and limits (aws-facts 1).
 *
 * Both destinations of this release take the same column names; Customer
 * Profiles' own are mapped from them by its importer.
 */
#ifndef PL_TARGET_TARGET_H
#define PL_TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"

#define PL_TARGET_NAME_MAX 50   /* characters of an attribute's name (1.7) */
#define PL_TARGET_VALUE_MAX 100 /* characters of an attribute's value (1.7) */
#define PL_TARGET_ATTRIBUTES_MAX 250 /* custom attributes (1.7) */
#define PL_TARGET_VALUES_MAX 50      /* values of one attribute (1.7) */
#define PL_TARGET_ENDPOINT_MAX 15360 /* bytes of an endpoint, 15 KB (1.7) */
#define PL_TARGET_USER_MAX 15        /* endpoints of one user (1.7) */

enum pl_column_kind {
    PL_COLUMN_ID,
    PL_COLUMN_CHANNEL,
    PL_COLUMN_ADDRESS,
    PL_COLUMN_USER_ID,
    PL_COLUMN_ATTRIBUTE,      /* Attributes.x: many values allowed */
    PL_COLUMN_USER_ATTRIBUTE, /* User.UserAttributes.x: many values allowed */
    PL_COLUMN_METRIC,         /* Metrics.x: a finite double */
    PL_COLUMN_COUNTRY,        /* ISO 3166-1 alpha-2 */
    PL_COLUMN_LATITUDE,
    PL_COLUMN_LONGITUDE,
    PL_COLUMN_OPT_OUT,        /* ALL or NONE */
    PL_COLUMN_LOCALE,         /* ll_CC */
    PL_COLUMN_TIME_ZONE,      /* a name of the tz database */
    PL_COLUMN_EFFECTIVE_DATE, /* refused unless a job asks for it */
    PL_COLUMN_TEXT            /* Location.City, Demographic.Make, ... */
};

struct pl_column {
    enum pl_column_kind kind;
    char name[160]; /* in its one right spelling */
    bool is_multi;  /* may be repeated, one value a column */
    bool is_odd;    /* holds # : ? \ or /, which the console cannot show */
};

struct pl_target {
    const char *name; /* "pinpoint", "customer-profiles" */
};

/* NULL: no such target. */
const struct pl_target *pl_target_by_name(const char *name);

/*
 * What a header's name means. Fixed names match without case. Fails with
 * PL_DATA_INVALID and a message that names the column, what is wrong and the
 * nearest right name; *column is then unchanged.
 */
int pl_target_column(const struct pl_target *target, const char *name,
                     size_t len, struct pl_column *column,
                     struct pl_err *err) PL_MUST_CHECK;

/* What to say of PL_COLUMN_EFFECTIVE_DATE where no job asked for it: the guide
 * lists the column and says elsewhere that it is not supported (1.1). */
int pl_target_refuse_effective_date(struct pl_err *err) PL_MUST_CHECK;

/* Whether the columns together are a file that the target takes: Id, or
 * ChannelType with Address, or User.UserId alone; repeats only of attributes,
 * at most 50; at most 250 attributes. PL_DATA_INVALID says what is not. */
int pl_target_check(const struct pl_target *target,
                    const struct pl_column *columns, size_t count,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
