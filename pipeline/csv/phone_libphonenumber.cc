// The only file that knows libphonenumber.
#include <phonenumbers/phonenumberutil.h>

#include <cstring>
#include <set>
#include <string>

#include "pipeline/csv/phone.h"

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

bool pl_phone_knows(const char *country)
{
    std::set<std::string> regions;

    PhoneNumberUtil::GetInstance()->GetSupportedRegions(&regions);
    return regions.count(country) > 0;
}

size_t pl_phone_resolve(const char *text, size_t len, const char *country,
                        char out[PL_PHONE_BYTES])
{
    const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
    PhoneNumber number;
    std::string e164;

    out[0] = '\0';
    if (util->Parse(std::string(text, len), country, &number) !=
            PhoneNumberUtil::NO_PARSING_ERROR ||
        !util->IsValidNumber(number))
        return 0;
    util->Format(number, PhoneNumberUtil::E164, &e164);
    if (e164.size() >= PL_PHONE_BYTES)
        return 0;
    memcpy(out, e164.c_str(), e164.size() + 1);
    return e164.size();
}
