/*
 * timed - run a command; write how long it took and how much memory it had.
 *
 * A program of its own, because the peak of a child counts from the fork on:
 * the child of a large parent would seem as large as the parent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_seconds(const struct rusage *used)
{
    return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
           (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    struct rusage used;
    const double start = seconds();
    double end;
    FILE *report;
    pid_t child;
    int status;

    if (argc < 3) {
        (void)fputs("Usage: timed REPORT COMMAND [ARGUMENT...]\n", stderr);
        return 64;
    }
    child = fork();
    if (child == 0) {
        (void)execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("timed: cannot run the command");
        return 71;
    }
    end = seconds();
    (void)getrusage(RUSAGE_CHILDREN, &used);
    report = fopen(argv[1], "w");
    if (report == NULL ||
        fprintf(report, "%.6f %.6f %ld\n", end - start, cpu_seconds(&used),
                used.ru_maxrss) < 0 ||
        fclose(report) != 0) {
        perror(argv[1]);
        return 74;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
