/*
 * B9 100k-fds-per-GB
 *
 * Claim: The number of files that may be open, fs.file-max, depends on the memory: about 100,000
 * for each gigabyte.
 *
 * Believed because: it is what the kernel does when it starts.  "One file with associated inode and
 * dcache is very roughly 1K", says its source, and files may have 10 % of the memory.
 *
 * Experiment: Divide fs.file-max by the memory.  100,000 for each GiB, give or take a tenth,
 * confirms the claim.  The largest number of the type is what systemd sets since version 240: there
 * the rule is history.  Any other value was set, or the memory has changed since the start: it
 * shows nothing of the kernel's rule.
 *
 * Read on: fs/file_table.c, files_maxfiles_init(); proc(5), file-max.  What a process meets first
 * is its own limit, RLIMIT_NOFILE.
 */
#include <limits.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "claim.h"
#include "setup.h"

enum { LEAST = 90000, HIGHEST = 110000 };

const enum verdict if_contradicted = HISTORICAL, if_mixed = PARTLY;

void try_claim(void)
{
    long long files = proc_number("/proc/sys/fs/file-max");
    struct rlimit limit = {0};
    struct sysinfo memory = {0};
    (void)sysinfo(&memory); /* neither has a way to fail */
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    double gib = (double)memory.totalram * memory.mem_unit / (1 << 30);
    double per_gib = (double)files / gib;
    bool is_rule = per_gib > LEAST && per_gib < HIGHEST, is_unlimited = files == LONG_MAX;
    if (!is_rule && !is_unlimited)
        not_applicable("fs.file-max is %lld, %.0f for each GiB: neither the kernel's rule nor "
                       "systemd's maximum, so it was set, or the memory has changed since; try a "
                       "machine where "
                       "neither has happened",
                       files, per_gib);

    observe_amount("memory", gib, "GiB", CONTEXT, "what the kernel can use");
    observe_count("fs.file-max", files, weigh(is_rule, is_unlimited),
                  "the kernel's rule, or the largest number of the type, which means no limit");
    observe_count("files for each GiB", (long long)per_gib, CONTEXT,
                  "by the rule 100,000 or a little more");
    observe_count("descriptors this process may have", (long long)limit.rlim_cur, CONTEXT,
                  "the limit that it would meet first");
    if (is_unlimited)
        conclude("fs.file-max is %lld, the largest number there is: no limit", files);
    else
        conclude("fs.file-max is %lld with %.3g GiB of memory, which is %.0f for each GiB", files,
                 gib, per_gib);
}
