#pragma once
// What Glibc has is Glibc's: else its types would be of whichever module a compilation meets first, and imports right by chance.
#pragma clang module import SwiftGlibc
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <link.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>
// Behind _GNU_SOURCE in <sys/socket.h>, which a module cannot define for others.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int[2], int);
extern int dup3(int, int, int);
extern int memfd_create(const char *, unsigned int);
extern ssize_t splice(int, off_t *, int, off_t *, size_t, unsigned int);
extern int ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
// The beginning of `struct dl_phdr_info`, which stands behind _GNU_SOURCE, too.
struct CLinux_object {
    ElfW(Addr) address;
    const char *name;
    const ElfW(Phdr) *segments;
    ElfW(Half) segment_count;
};
extern int dl_iterate_phdr(int (*)(struct CLinux_object *, size_t, void *), void *);
extern int madvise(void *, size_t, int);
// `struct ucred` (unix(7)), which stands behind _GNU_SOURCE, too.
struct CLinux_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
extern int pthread_setname_np(pthread_t, const char *);

// Linux macros and variadic functions that Swift cannot import stand here as inline functions.

extern int sched_getaffinity(pid_t, size_t, cpu_set_t *);

/// Cores that this process may run on; 1 if that cannot be known.
static inline int CLinux_available_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = 0;
    for (size_t word = 0; word < sizeof set / sizeof(unsigned long); word++)
        count += __builtin_popcountl(((unsigned long *)&set)[word]);
    return count > 0 ? count : 1;
}

/// Bytes of a socket's output that were not acknowledged, or over a Unix socket not read (SIOCOUTQ, tcp(7)); -1 if that is not known.
static inline int CLinux_unacknowledged_byte_count(int descriptor) {
    int count = 0;
    return ioctl(descriptor, TIOCOUTQ /* SIOCOUTQ */, &count) == 0 ? count : -1;
}

/// Bytes that a pipe holds from now on (F_SETPIPE_SZ, fcntl(2)); -1 if it may not have as many.
static inline int CLinux_set_pipe_capacity(int descriptor, int byte_count) {
    return fcntl(descriptor, 1031, byte_count);
}

/// Whether a path, links followed, has one of these attributes: 1 or 0, or -1 where the kernel knows none of them.
static inline int CLinux_has_attribute(const char *path, uint64_t attributes) {
    // `struct statx`, as 64-bit words: the attributes are the second, those that are known the eighth (statx(2)). Its
    // declaration stands behind _GNU_SOURCE.
    uint64_t words[32];
    if (syscall(SYS_statx, -100 /* AT_FDCWD */, path, 0, 0, words) != 0 || !(words[7] & attributes)) return -1;
    return (words[1] & attributes) != 0;
}

/// Whether something is mounted at a path, links followed: 1 or 0, or -1 where the kernel does not say (before 5.8).
static inline int CLinux_is_mount_point(const char *path) {
    return CLinux_has_attribute(path, 0x2000 /* STATX_ATTR_MOUNT_ROOT */);
}

/// Whether nobody may replace what stands at a path, by its attributes (chattr(1)): 1 or 0, or -1 where the filesystem has none.
static inline int CLinux_is_pinned(const char *path) {
    return CLinux_has_attribute(path, 0x10 | 0x20 /* STATX_ATTR_IMMUTABLE, STATX_ATTR_APPEND */);
}

enum { CLinux_may_give_files_away = 0 /* CAP_CHOWN */, CLinux_owns_all_files = 3 /* CAP_FOWNER */,
       CLinux_may_search = 2 /* CAP_DAC_READ_SEARCH */, CLinux_may_trace = 19 /* CAP_SYS_PTRACE */,
       CLinux_has_all_room = 24 /* CAP_SYS_RESOURCE */ };

/// Whether this thread has one of the first 32 capabilities (capabilities(7)).
static inline int CLinux_is_capable(int capability) {
    uint32_t header[2] = {0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, 0};
    uint32_t data[6] = {0};  // effective, permitted, inheritable; then those from 32 on
    return syscall(SYS_capget, header, data) == 0 && (data[0] >> capability & 1);
}

/// A descriptor for a process (pidfd_open(2)); -1 and errno if there is none.
static inline int CLinux_open_process(pid_t pid) { return (int)syscall(434 /* SYS_pidfd_open */, pid, 0); }

/// Sends a signal to the process that a descriptor is for, and to no other (pidfd_send_signal(2)); -1 and errno if that could not be done.
static inline int CLinux_signal_process(int process, int signal) {
    return (int)syscall(424 /* SYS_pidfd_send_signal */, process, signal, (void *)0, 0);
}

/// The same for whoever is at the other end of a Unix socket's connection (SO_PEERPIDFD, from kernel 6.5).
static inline int CLinux_open_peer(int socket) {
    int descriptor = -1;
    socklen_t size = sizeof descriptor;
    return getsockopt(socket, SOL_SOCKET, 77 /* SO_PEERPIDFD */, &descriptor, &size) == 0 ? descriptor : -1;
}

/// Whether two threads have one table of descriptors (kcmp(2)): 0 if they have, 1 if not; -1 and errno if that is not known.
static inline int CLinux_compare_tables(pid_t left, pid_t right) {
    long order = syscall(SYS_kcmp, left, right, 2 /* KCMP_FILES */, 0, 0);
    return order > 0 ? 1 : (int)order;
}

/// The folder of a control group of version 2, by its number (open_by_handle_at(2)); -1 and errno: EPERM without CAP_DAC_READ_SEARCH, ESTALE
/// if it is gone.
static inline int CLinux_open_group(int hierarchy, uint64_t number) {
    // `struct file_handle`, which stands behind _GNU_SOURCE, as the kernel takes it for what it numbers so (FILEID_KERNFS).
    struct { uint32_t size; int32_t type; unsigned char bytes[8]; } handle = { 8, 0xfe, { 0 } };
    __builtin_memcpy(handle.bytes, &number, sizeof number);
    return (int)syscall(SYS_open_by_handle_at, hierarchy, &handle, 010000000 /* O_PATH */ | O_DIRECTORY | O_CLOEXEC);
}

/// The state of a connection of TCP, as linux/tcp_states.h numbers them; -1 if that is not known.
static inline int CLinux_tcp_state(int descriptor) {
    unsigned char state;  // the first byte of `struct tcp_info`
    socklen_t size = sizeof state;
    return getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &state, &size) == 0 ? state : -1;
}

static inline int CLinux_unmap_code_of(struct CLinux_object *object, size_t size, void *unused) {
    (void)size, (void)unused;
    const ElfW(Addr) page = (ElfW(Addr))sysconf(_SC_PAGESIZE);
    for (int index = 0; index < object->segment_count; index++) {
        const ElfW(Phdr) *segment = &object->segments[index];
        // Never written, not even by the dynamic linker: the file has the same bytes.
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || (segment->p_flags & PF_W)) continue;
        ElfW(Addr) start = (object->address + segment->p_vaddr) & ~(page - 1);
        ElfW(Addr) end = object->address + segment->p_vaddr + segment->p_memsz;
        madvise((void *)start, end - start, 4 /* MADV_DONTNEED */);
    }
    return 0;
}

/// Takes the code of the program and its libraries out of the process's memory; what is used again is mapped again from
/// the page cache, without reading a file (madvise(2)).
static inline void CLinux_unmap_code(void) { dl_iterate_phdr(CLinux_unmap_code_of, 0); }
