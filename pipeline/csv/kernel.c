#include "pipeline/csv/kernel.h"

#include <string.h>

#include "pipeline/base/attr.h"

#if defined(__x86_64__)
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("pclmul");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul");
}
#endif

static bool has_it(void)
{
    return true;
}

/* The best first. */
static const struct {
    const struct pl_csv_kernel *kernel;
    bool (*is_supported)(void);
} kernels[] = {
#if defined(__x86_64__)
    {&pl_csv_kernel_avx512, has_avx512},
    {&pl_csv_kernel_avx2, has_avx2},
    {&pl_csv_kernel_sse2, has_it},
#elif defined(__aarch64__)
    {&pl_csv_kernel_neon, has_it},
#endif
    {&pl_csv_kernel_scalar, has_it},
};

const struct pl_csv_kernel *pl_csv_kernel_by_name(const char *name)
{
    for (size_t i = 0; i < PL_COUNT(kernels); i++)
        if (kernels[i].is_supported() &&
            (name == NULL || strcmp(name, kernels[i].kernel->name) == 0))
            return kernels[i].kernel;
    return NULL;
}
