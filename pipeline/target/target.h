/*
 * target.h - what each destination takes: columns and limits (sources 1, 9).
 *
 * Both destinations take the same column names, so that a query need not
 * change when its job moves. Customer Profiles' own fields are mapped from
 * them (mapping.h), and it knows people by a key of the job's choice.
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

struct pl_mapping; /* mapping.h */

struct pl_target {
    const char *name;       /* "pinpoint", "customer-profiles" */
    bool is_profiles;       /* mapped by mapping.h; the rest is for it alone */
    const char *key_column; /* which column identifies a profile ... */
    const char *key_field;  /* ... by which field (pl_key_field_by_name) */
    bool has_id_map;        /* Id is enough: a file tells each Id's user */
    const struct pl_mapping *mapping; /* NULL: the default */
};

/* With the default key, User.UserId as AccountNumber. NULL: no such target. */
const struct pl_target *pl_target_by_name(const char *name);

/* What a job says of its target; NULL where it says nothing. Borrowed. */
struct pl_target_wish {
    const char *name;       /* default: pinpoint */
    const char *key_column; /* import.key.column */
    const char *key_field;  /* import.key.field */
    const char *id_map;     /* import.id_map */
};

/* The target as a job wants it. PL_CONFIG_INVALID: no such target or field,
 * or a column that no query can have. */
int pl_target_choose(const struct pl_target_wish *wish,
                     struct pl_target *target,
                     struct pl_err *err) PL_MUST_CHECK;

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

/*
 * Whether the columns together are a file that the target takes: repeats only
 * of attributes, at most 50; and for pinpoint: Id, or ChannelType with
 * Address, or User.UserId alone, and at most 250 attributes; for
 * customer-profiles: the key, or Id with an id map, and at most 25 places.
 * PL_DATA_INVALID says what is not; PL_CONFIG_INVALID: only the key is
 * missing, and the job can say another.
 */
int pl_target_check(const struct pl_target *target,
                    const struct pl_column *columns, size_t count,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
