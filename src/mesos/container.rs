//! How it is isolated: Docker and Mesos containers, volumes, networks, images.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.

use super::message::{Json, enums, messages};
use super::*;

messages! {
    /// `Image` of the v1 API.
    pub struct Image {
        r#type: req ImageType = 1;
        appc: opt AppcImage = 2;
        docker: opt DockerImage = 3;
        cached: opt bool = 4;
    }

    /// `Image.Appc` of the v1 API.
    pub struct AppcImage {
        name: req String = 1;
        id: opt String = 2;
        labels: opt Labels = 3;
    }

    /// `Image.Docker` of the v1 API.
    pub struct DockerImage {
        name: req String = 1;
        credential: opt Credential = 2;
        config: opt Secret = 3;
    }

    /// `MountPropagation` of the v1 API.
    pub struct MountPropagation {
        mode: opt MountPropagationMode = 1;
    }

    /// `Volume` of the v1 API.
    pub struct Volume {
        mode: req VolumeMode = 3;
        container_path: req String = 1;
        host_path: opt String = 2;
        image: opt Image = 4;
        source: opt VolumeSource = 5;
    }

    /// `Volume.Source` of the v1 API.
    pub struct VolumeSource {
        r#type: opt VolumeSourceType = 1;
        docker_volume: opt DockerVolume = 2;
        host_path: opt HostPathVolume = 5;
        sandbox_path: opt SandboxPathVolume = 3;
        secret: opt Secret = 4;
        csi_volume: opt Json = 6;
    }

    /// `Volume.Source.DockerVolume` of the v1 API.
    pub struct DockerVolume {
        driver: opt String = 1;
        name: req String = 2;
        driver_options: opt Parameters = 3;
    }

    /// `Volume.Source.HostPath` of the v1 API.
    pub struct HostPathVolume {
        path: req String = 1;
        mount_propagation: opt MountPropagation = 2;
    }

    /// `Volume.Source.SandboxPath` of the v1 API.
    pub struct SandboxPathVolume {
        r#type: opt SandboxPathType = 1;
        path: req String = 2;
    }

    /// `NetworkInfo` of the v1 API.
    pub struct NetworkInfo {
        ip_addresses: rep IpAddress = 5;
        name: opt String = 6;
        groups: rep String = 3;
        labels: opt Labels = 4;
        port_mappings: rep NetworkPortMapping = 7;
    }

    /// `NetworkInfo.IPAddress` of the v1 API.
    pub struct IpAddress {
        protocol: opt Protocol = 1;
        ip_address: opt String = 2;
    }

    /// `NetworkInfo.PortMapping` of the v1 API.
    pub struct NetworkPortMapping {
        host_port: req u32 = 1;
        container_port: req u32 = 2;
        protocol: opt String = 3;
    }

    /// `CapabilityInfo` of the v1 API.
    pub struct CapabilityInfo {
        capabilities: rep LinuxCapability = 1;
    }

    /// `SeccompInfo` of the v1 API.
    pub struct SeccompInfo {
        profile_name: opt String = 1;
        unconfined: opt bool = 2;
    }

    /// `LinuxInfo` of the v1 API.
    pub struct LinuxInfo {
        capability_info: opt CapabilityInfo = 1;
        bounding_capabilities: opt CapabilityInfo = 2;
        effective_capabilities: opt CapabilityInfo = 3;
        share_pid_namespace: opt bool = 4;
        seccomp: opt SeccompInfo = 5;
        ipc_mode: opt IpcMode = 6;
        shm_size: opt u32 = 7;
        share_cgroups: opt bool = 8;
    }

    /// `RLimitInfo` of the v1 API.
    pub struct RLimitInfo {
        rlimits: rep RLimit = 1;
    }

    /// `RLimitInfo.RLimit` of the v1 API.
    pub struct RLimit {
        r#type: opt RLimitType = 1;
        hard: opt u64 = 2;
        soft: opt u64 = 3;
    }

    /// `TTYInfo` of the v1 API.
    pub struct TtyInfo {
        window_size: opt WindowSize = 1;
    }

    /// `TTYInfo.WindowSize` of the v1 API.
    pub struct WindowSize {
        rows: req u32 = 1;
        columns: req u32 = 2;
    }

    /// `ContainerInfo` of the v1 API.
    pub struct ContainerInfo {
        r#type: req ContainerType = 1;
        volumes: rep Volume = 2;
        hostname: opt String = 4;
        docker: opt DockerInfo = 3;
        mesos: opt MesosInfo = 5;
        network_infos: rep NetworkInfo = 7;
        linux_info: opt LinuxInfo = 8;
        rlimit_info: opt RLimitInfo = 9;
        tty_info: opt TtyInfo = 10;
    }

    /// `ContainerInfo.DockerInfo` of the v1 API.
    pub struct DockerInfo {
        image: req String = 1;
        network: opt DockerNetwork = 2;
        port_mappings: rep PortMapping = 3;
        privileged: opt bool = 4;
        parameters: rep Parameter = 5;
        force_pull_image: opt bool = 6;
        volume_driver: opt String = 7;
    }

    /// `ContainerInfo.DockerInfo.PortMapping` of the v1 API.
    pub struct PortMapping {
        host_port: req u32 = 1;
        container_port: req u32 = 2;
        protocol: opt String = 3;
    }

    /// `ContainerInfo.MesosInfo` of the v1 API.
    pub struct MesosInfo {
        image: opt Image = 1;
    }

    /// `ContainerStatus` of the v1 API.
    pub struct ContainerStatus {
        container_id: opt ContainerId = 4;
        network_infos: rep NetworkInfo = 1;
        cgroup_info: opt Json = 2;
        executor_pid: opt u32 = 3;
    }
}

enums! {
    /// `Image.Type` of the v1 API.
    pub enum ImageType {
        Appc = "APPC", 1;
        Docker = "DOCKER", 2;
    }

    /// `MountPropagation.Mode` of the v1 API.
    pub enum MountPropagationMode {
        Unknown = "UNKNOWN", 0;
        HostToContainer = "HOST_TO_CONTAINER", 1;
        Bidirectional = "BIDIRECTIONAL", 2;
    }

    /// `Volume.Mode` of the v1 API.
    pub enum VolumeMode {
        Rw = "RW", 1;
        Ro = "RO", 2;
    }

    /// `Volume.Source.Type` of the v1 API.
    pub enum VolumeSourceType {
        Unknown = "UNKNOWN", 0;
        DockerVolume = "DOCKER_VOLUME", 1;
        HostPath = "HOST_PATH", 4;
        SandboxPath = "SANDBOX_PATH", 2;
        Secret = "SECRET", 3;
        CsiVolume = "CSI_VOLUME", 5;
    }

    /// `Volume.Source.SandboxPath.Type` of the v1 API.
    pub enum SandboxPathType {
        Unknown = "UNKNOWN", 0;
        Own = "SELF", 1;
        Parent = "PARENT", 2;
    }


    /// `NetworkInfo.Protocol` of the v1 API.
    pub enum Protocol {
        Ipv4 = "IPv4", 1;
        Ipv6 = "IPv6", 2;
    }

    /// `CapabilityInfo.Capability` of the v1 API.
    pub enum LinuxCapability {
        Unknown = "UNKNOWN", 0;
        Chown = "CHOWN", 1000;
        DacOverride = "DAC_OVERRIDE", 1001;
        DacReadSearch = "DAC_READ_SEARCH", 1002;
        Fowner = "FOWNER", 1003;
        Fsetid = "FSETID", 1004;
        Kill = "KILL", 1005;
        Setgid = "SETGID", 1006;
        Setuid = "SETUID", 1007;
        Setpcap = "SETPCAP", 1008;
        LinuxImmutable = "LINUX_IMMUTABLE", 1009;
        NetBindService = "NET_BIND_SERVICE", 1010;
        NetBroadcast = "NET_BROADCAST", 1011;
        NetAdmin = "NET_ADMIN", 1012;
        NetRaw = "NET_RAW", 1013;
        IpcLock = "IPC_LOCK", 1014;
        IpcOwner = "IPC_OWNER", 1015;
        SysModule = "SYS_MODULE", 1016;
        SysRawio = "SYS_RAWIO", 1017;
        SysChroot = "SYS_CHROOT", 1018;
        SysPtrace = "SYS_PTRACE", 1019;
        SysPacct = "SYS_PACCT", 1020;
        SysAdmin = "SYS_ADMIN", 1021;
        SysBoot = "SYS_BOOT", 1022;
        SysNice = "SYS_NICE", 1023;
        SysResource = "SYS_RESOURCE", 1024;
        SysTime = "SYS_TIME", 1025;
        SysTtyConfig = "SYS_TTY_CONFIG", 1026;
        Mknod = "MKNOD", 1027;
        Lease = "LEASE", 1028;
        AuditWrite = "AUDIT_WRITE", 1029;
        AuditControl = "AUDIT_CONTROL", 1030;
        Setfcap = "SETFCAP", 1031;
        MacOverride = "MAC_OVERRIDE", 1032;
        MacAdmin = "MAC_ADMIN", 1033;
        Syslog = "SYSLOG", 1034;
        WakeAlarm = "WAKE_ALARM", 1035;
        BlockSuspend = "BLOCK_SUSPEND", 1036;
        AuditRead = "AUDIT_READ", 1037;
        Perfmon = "PERFMON", 1038;
        Bpf = "BPF", 1039;
        CheckpointRestore = "CHECKPOINT_RESTORE", 1040;
    }

    /// `LinuxInfo.IpcMode` of the v1 API.
    pub enum IpcMode {
        Unknown = "UNKNOWN", 0;
        Private = "PRIVATE", 1;
        ShareParent = "SHARE_PARENT", 2;
    }

    /// `RLimitInfo.RLimit.Type` of the v1 API.
    pub enum RLimitType {
        Unknown = "UNKNOWN", 0;
        RlmtAs = "RLMT_AS", 1;
        RlmtCore = "RLMT_CORE", 2;
        RlmtCpu = "RLMT_CPU", 3;
        RlmtData = "RLMT_DATA", 4;
        RlmtFsize = "RLMT_FSIZE", 5;
        RlmtLocks = "RLMT_LOCKS", 6;
        RlmtMemlock = "RLMT_MEMLOCK", 7;
        RlmtMsgqueue = "RLMT_MSGQUEUE", 8;
        RlmtNice = "RLMT_NICE", 9;
        RlmtNofile = "RLMT_NOFILE", 10;
        RlmtNproc = "RLMT_NPROC", 11;
        RlmtRss = "RLMT_RSS", 12;
        RlmtRtprio = "RLMT_RTPRIO", 13;
        RlmtRttime = "RLMT_RTTIME", 14;
        RlmtSigpending = "RLMT_SIGPENDING", 15;
        RlmtStack = "RLMT_STACK", 16;
    }

    /// `ContainerInfo.Type` of the v1 API.
    pub enum ContainerType {
        Docker = "DOCKER", 1;
        Mesos = "MESOS", 2;
    }

    /// `ContainerInfo.DockerInfo.Network` of the v1 API.
    pub enum DockerNetwork {
        Host = "HOST", 1;
        Bridge = "BRIDGE", 2;
        None = "NONE", 3;
        User = "USER", 4;
    }
}
