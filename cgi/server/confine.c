#include "cgi/server/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#define HAVE_LANDLOCK 1
#else
#define HAVE_LANDLOCK 0
#endif

/* Sanitizers trace their own process at its end, and read what they like. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define TEMPORARY "SQLITE_TMPDIR" /* sqlite.org/tempfiles.html, 5 */

/* ---- system calls -------------------------------------------------------- */

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

#ifdef NATIVE
/* Those of a kernel that this one's headers do not know yet stay allowed. */
static const unsigned refused[] = {
	__NR_execve,
	__NR_execveat,
	__NR_ptrace,
	__NR_process_vm_readv,
	__NR_process_vm_writev,
	__NR_mount,
	__NR_umount2,
	__NR_pivot_root,
	__NR_chroot,
	__NR_unshare,
	__NR_setns,
	__NR_init_module,
	__NR_finit_module,
	__NR_delete_module,
	__NR_kexec_load,
	__NR_reboot,
	__NR_swapon,
	__NR_swapoff,
	__NR_bpf,
	__NR_perf_event_open,
	__NR_userfaultfd,
	__NR_keyctl,
	__NR_add_key,
	__NR_request_key,
	__NR_io_uring_setup,
	__NR_open_by_handle_at,
	__NR_personality,
	__NR_kcmp,
	__NR_acct,
	__NR_settimeofday,
	__NR_clock_settime,
	__NR_sethostname,
#ifdef __NR_kexec_file_load
	__NR_kexec_file_load,
#endif
#ifdef __NR_move_mount
	__NR_move_mount,
	__NR_open_tree,
	__NR_fsopen,
	__NR_fspick,
	__NR_fsmount,
#endif
#ifdef __NR_mount_setattr
	__NR_mount_setattr,
#endif
#ifdef __NR_iopl
	__NR_iopl,
	__NR_ioperm,
#endif
};

enum {
	N_REFUSED = sizeof(refused) / sizeof(refused[0]),
	X32_BIT = 0x40000000, /* asm/unistd.h: __X32_SYSCALL_BIT */
	FRAME = 8, /* instructions around the list, at most */
};

static struct sock_filter
load(size_t offset)
{
	return (struct sock_filter)BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, (unsigned)offset);
}

/* The filter: another machine's calls are refused, then the list. */
static int
refuse_calls(void)
{
	struct sock_filter f[N_REFUSED + FRAME];
	unsigned short n = 0;
	f[n++] = load(offsetof(struct seccomp_data, arch));
	f[n++] = (struct sock_filter)BPF_JUMP(
	    BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0);
	f[n++] = (struct sock_filter)BPF_STMT(
	    BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	f[n++] = load(offsetof(struct seccomp_data, nr));
	/* jumps count from the next instruction: over those left, and one */
	for (size_t i = 0; i < N_REFUSED; i++)
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    refused[i], (unsigned char)(N_REFUSED - i + 1), 0);
	f[n++] = (struct sock_filter)BPF_JUMP(
	    BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 1, 0);
	f[n++] =
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	f[n++] = (struct sock_filter)BPF_STMT(
	    BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	struct sock_fprog program = { .len = n, .filter = f };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#else
static int
refuse_calls(void)
{
	return 0;
}
#endif

/* ---- files --------------------------------------------------------------- */

#if HAVE_LANDLOCK

/* linux/landlock.h of newer kernels */
enum { ACCESS_REFER = 1 << 13, ACCESS_TRUNCATE = 1 << 14 };

enum {
	READS = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	WRITES = LANDLOCK_ACCESS_FS_WRITE_FILE |
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
	    ACCESS_TRUNCATE,
	OTHERS = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
	    ACCESS_REFER,
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
};

struct ruleset {
	int fd;
	unsigned handled;
	int failed;
};

/* What is not there needs no rule. */
static void
allow(struct ruleset *r, const char *path, unsigned rights)
{
	struct landlock_path_beneath_attr a = { .allowed_access =
						    rights & r->handled };
	a.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (a.parent_fd < 0)
		return;
	if (syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH,
		&a, 0) != 0)
		r->failed = 1;
	close(a.parent_fd);
}

/* The folder that holds path; the nearest one that is there. */
static void
allow_around(struct ruleset *r, const char *path, unsigned rights, int nearest)
{
	char copy[PATH_MAX];
	char *folder = copy;
	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy)) {
		r->failed = 1;
		return;
	}
	do
		folder = dirname(folder);
	while (nearest && faccessat(AT_FDCWD, folder, F_OK, 0) != 0 &&
	    folder[1] != '\0');
	allow(r, folder, rights);
}

/* SQLite follows a link to the database and puts its other files there. */
static void
allow_database(struct ruleset *r, const char *path)
{
	char real[PATH_MAX];
	allow_around(r, path, READS | WRITES, 0);
	if (realpath(path, real) != NULL)
		allow_around(r, real, READS | WRITES, 0);
}

static void
allow_all(struct ruleset *r, const struct config *config,
    const struct listener *listeners)
{
	/* libraries that are loaded late; figures for /metrics */
	static const char *const public[] = { "/usr", "/lib", "/lib64",
		"/proc" };
	for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++)
		allow(r, public[i], READS);
	allow(r, "/dev/urandom", LANDLOCK_ACCESS_FS_READ_FILE);
	allow_database(r, config->database);
	if (getenv(TEMPORARY) != NULL)
		allow(r, getenv(TEMPORARY), READS | WRITES);
	/* around it: a root may be replaced by a newer one while we run */
	for (size_t i = 0; i < config->n_files; i++)
		allow_around(r, config->files[i].root, READS, 1);
	/* to remove the socket at the end */
	for (int i = 0; i < LISTEN_MAX; i++)
		if (listeners[i].owned && listeners[i].path[0] != '\0')
			allow_around(r, listeners[i].path,
			    LANDLOCK_ACCESS_FS_READ_DIR |
				LANDLOCK_ACCESS_FS_REMOVE_FILE,
			    0);
}

/* The version of the interface, or 0. */
static int
close_files(const struct config *config, const struct listener *listeners)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = { .handled = READS | WRITES | OTHERS };
	if (abi < 1)
		return 0;
	if (abi < ABI_REFER)
		r.handled &= ~(unsigned)ACCESS_REFER;
	if (abi < ABI_TRUNCATE)
		r.handled &= ~(unsigned)ACCESS_TRUNCATE;
	const struct landlock_ruleset_attr attr = { .handled_access_fs =
							r.handled };
	r.fd =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (r.fd < 0)
		return 0;
	allow_all(&r, config, listeners);
	int done =
	    !r.failed && syscall(SYS_landlock_restrict_self, r.fd, 0) == 0;
	close(r.fd);
	return done ? (int)abi : 0;
}

#else
static int
close_files(const struct config *config, const struct listener *listeners)
{
	(void)config;
	(void)listeners;
	return 0;
}
#endif

/* ---- all of it ----------------------------------------------------------- */

static int
is_file(const struct config *config)
{
	return config->database[0] == '/';
}

void
confine_begin(const struct config *config, struct confined *out)
{
	char folder[PATH_MAX];
	*out = (struct confined){ .privileges = 0 };
	if (is_file(config) &&
	    (size_t)snprintf(folder, sizeof(folder), "%s", config->database) <
		sizeof(folder))
		setenv(TEMPORARY, dirname(folder), 0);
	out->privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	if (!SANITIZED)
		out->dumps = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

void
confine(const struct config *config, const struct listener *listeners,
    int is_open, struct confined *out)
{
	if (SANITIZED || !out->privileges)
		return;
	if (is_open && is_file(config))
		out->landlock = close_files(config, listeners);
	out->calls = refuse_calls();
}

const char *
confined_text(const struct confined *c, char text[CONFINED_TEXT_MAX])
{
	char files[32] = "";
	if (c->landlock > 0)
		snprintf(
		    files, sizeof(files), ", files (Landlock %d)", c->landlock);
	snprintf(text, CONFINED_TEXT_MAX, "%s%s%s%s",
	    c->privileges ? "no new privileges" : "nothing",
	    c->dumps ? ", no core dumps" : "", c->calls ? ", system calls" : "",
	    files);
	return text;
}
