#include "store/netfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/banned.h"

/* statfs(2), linux/magic.h, and the headers of those outside the kernel */
static const unsigned long magics[] = {
	0x6969, /* NFS */
	0x517B, /* SMB */
	0xFF534D42, /* CIFS */
	0xFE534D42, /* SMB2 */
	0x65735546, /* FUSE: sshfs, GlusterFS, … */
	0x00C36400, /* Ceph */
	0x0BD00BD0, /* Lustre */
	0x47504653, /* GPFS */
	0x01021997, /* 9P */
	0x5346414F, /* AFS */
	0x6B414653, /* kAFS */
	0x73757245, /* Coda */
	0x7461636F, /* OCFS2 */
	0x01161970, /* GFS2 */
};

int
netfs_has(const char *path)
{
	struct statfs fs;
	char folder[PATH_MAX];
	if (statfs(path, &fs) != 0) {
		const char *slash = strrchr(path, '/');
		if (slash == NULL || strlen(path) >= sizeof(folder))
			return 0;
		snprintf(folder, sizeof(folder), "%.*s",
		    (int)(slash - path + 1), path);
		if (statfs(folder, &fs) != 0)
			return 0;
	}
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (((unsigned long)fs.f_type & 0xFFFFFFFF) == magics[i])
			return 1;
	return 0;
}

int
netfs_shares_memory(const char *path)
{
	enum { SIZE = 32 * 1024 }; /* a WAL index's first piece */
	char probe[PATH_MAX];
	int shares = 1;
	if (snprintf(probe, sizeof(probe), "%s-probe", path) >=
	    (int)sizeof(probe))
		return 1;
	int fd = open(probe, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return 1;
	if (ftruncate(fd, SIZE) == 0) {
		void *p =
		    mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		shares = p != MAP_FAILED || errno == ENOMEM;
		if (p != MAP_FAILED)
			munmap(p, SIZE);
	}
	unlink(probe);
	close(fd);
	return shares;
}
