/// Variables that no config sets, whatever it says: those that have a process execute what another chose, and those by which
/// `heddle exec` itself tells a program where its mesh is. Who may write a value may not thereby run a program.
enum ReservedVariables {
    static func has(_ name: String) -> Bool {
        names.contains(name) || beginnings.contains { name.hasPrefix($0) }
    }

    private static let beginnings = [
        // ld.so(8)
        "LD_",
        // Functions that bash takes over.
        "BASH_FUNC_",
        "GIT_CONFIG", "CORECLR_PROFILER", "COR_PROFILER", "LUA_PATH", "LUA_CPATH", "LUA_INIT", "R_PROFILE", "R_ENVIRON",
        "R_LIBS",
        "HEDDLE_",
    ]

    private static let names: Set<String> = [
        // What the C library goes by, and takes from no program with more rights than its user (ld.so(8), secure-execution mode).
        "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "MALLOC_TRACE",
        "NIS_PATH",
        "NLSPATH", "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR",
        // Shells, and what programs start for people.
        "PATH", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "CDPATH", "FPATH", "ZDOTDIR", "PROMPT_COMMAND",
        "PS0",
        "PS1", "PS2", "PS3", "PS4", "HOME", "SHELL", "EDITOR", "VISUAL", "PAGER", "MANPAGER", "BROWSER", "LESSOPEN",
        "LESSCLOSE", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_PROXY_COMMAND", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR",
        "GIT_ASKPASS",
        "GIT_EDITOR", "GIT_PAGER", "GIT_EXTERNAL_DIFF", "SSH_ASKPASS", "SUDO_ASKPASS",
        // Languages.
        "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONEXECUTABLE", "PYTHONPLATLIBDIR",
        "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS", "PYTHONBREAKPOINT", "PYTHONINSPECT", "NODE_OPTIONS", "NODE_PATH",
        "NODE_REPL_EXTERNAL_MODULE", "PERL5OPT", "PERL5LIB", "PERLLIB", "PERL5DB", "RUBYOPT", "RUBYLIB", "RUBYSHELL",
        "GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS",
        "CLASSPATH", "DOTNET_STARTUP_HOOKS", "DOTNET_ADDITIONAL_DEPS", "DOTNET_SHARED_STORE", "PHPRC",
        "PHP_INI_SCAN_DIR", "ERL_LIBS", "ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "R_HOME",
        // Libraries that load others.
        "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "GTK_MODULES", "GIO_EXTRA_MODULES", "QT_PLUGIN_PATH",
        // Past the mesh.
        "HTTP_PROXY", "NO_PROXY", "ALL_PROXY",
    ]
}
