/*
 * Broken on purpose: the ledger's file is a hole.
 *
 * ftruncate() makes a file as long as asked without taking room on the disk; that happens when a
 * byte is first stored.  If the disk is full then, and the file is mapped, there is no call that
 * could say so: the kernel sends SIGBUS and the server dies.
 * Found by: full_disk_for_the_ledger.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The ledger asks for its room here; this stands in for libc's. */
int posix_fallocate(int fd, off_t offset, off_t len)
{
    return ftruncate(fd, offset + len) < 0 ? errno : 0; /* the fault: a length is no room */
}
