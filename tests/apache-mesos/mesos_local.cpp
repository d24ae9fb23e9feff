// Starts the local cluster, master and agents in one process, that Mesos's native library holds.
// Declares what it calls by exported name and calling convention; no header of Mesos is needed.
// With LOCAL_LEADER=HOST:PORT its master stands by and its agents register with the master there: an agent can be killed
// or stopped by itself then, and there is a master that redirects.
#include <cstdlib>
#include <cstring>
#include <string>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

template <typename T> struct Opt {           // laid out as stout's Option<T>
  int state;                                 // 0 = SOME, 1 = NONE
  union { T t; };
  Opt() : state(1) {}
  explicit Opt(const T& v) : state(0), t(v) {}
  ~Opt() { if (state == 0) t.~T(); }
};
#define SYM(x) __asm__(x)
extern "C" {
void local_flags_ctor(void*) SYM("_ZN5mesos8internal5local5FlagsC1Ev");
void* flags_load(void* ret, void* self, const Opt<std::string>*, int, const char* const*, bool, bool)
    SYM("_ZN5flags9FlagsBase4loadERK6OptionINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEEiPKPKcbb");
void* local_launch(void* ret, const void* flags, void* allocator)
    SYM("_ZN5mesos8internal5local6launchERKNS1_5FlagsEPNS_9allocator9AllocatorE");
bool process_initialize(const Opt<std::string>*, const Opt<std::string>*, const Opt<std::string>*)
    SYM("_ZN7process10initializeERK6OptionINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEES9_S9_");
void version_ctor(void*) SYM("_ZN5mesos8internal14VersionProcessC1Ev");
void upid_ctor(void*, const char*) SYM("_ZN7process4UPIDC1EPKc");
void appoint_master(void* self, const void* info)
    SYM("_ZN5mesos6master8detector24StandaloneMasterDetector7appointERK6OptionINS_10MasterInfoEE");
void appoint_upid(void* self, const void* upid)
    SYM("_ZN5mesos6master8detector24StandaloneMasterDetector7appointERKN7process4UPIDE");
void* process_spawn(void* ret, void* p, bool manage) SYM("_ZN7process5spawnEPNS_11ProcessBaseEb");
}
static char leader[1 << 12];
void appoint_leader(void* self, const void*) { appoint_upid(self, leader); }
// Everybody in this process is told that the leader is elsewhere. The library calls itself directly, so that a function
// of the same name here wouldn't be asked: the first bytes of its own become a jump.
bool lead_elsewhere(const char* place) {
  upid_ctor(leader, ("master@" + std::string(place)).c_str());
  unsigned char jump[12] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0};  // mov rax, ADDRESS; jmp rax
  void (*to)(void*, const void*) = appoint_leader;
  memcpy(jump + 2, &to, sizeof to);
  char* at = (char*)appoint_master;
  long page = sysconf(_SC_PAGESIZE);
  char* start = (char*)((long)at / page * page);
  if (mprotect(start, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC)) return false;
  memcpy(at, jump, sizeof jump);
  return !mprotect(start, 2 * page, PROT_READ | PROT_EXEC);
}
int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  static char flags[1 << 16], ret[1 << 12], pid[1 << 12], version_pid[1 << 12];  // more than the objects take
  local_flags_ctor(flags);
  // FlagsBase is the second virtual base of local::Flags: its offset is the vtable's fourth slot from the end.
  void* base = flags + (*(long**)flags)[-4];
  Opt<std::string> prefix(std::string("MESOS_")), none, delegate(std::string("master"));
  flags_load(ret, base, &prefix, argc, argv, true, false);
  process_initialize(&delegate, &none, &none);
  void* v = calloc(1, 1 << 14);
  version_ctor(v);
  // VersionProcess derives virtually from ProcessBase: offset-to-base sits in its vtable.
  process_spawn(version_pid, (char*)v + (*(long**)v)[-3], true);
  if (const char* place = getenv("LOCAL_LEADER"))
    if (!lead_elsewhere(place)) return 1;
  local_launch(pid, flags, nullptr);
  for (;;) pause();
}
