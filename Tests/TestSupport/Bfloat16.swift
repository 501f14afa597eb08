import Foundation

/// Whether bfloat16 can be tried on this processor. Where it says that it has tiles for it (AMX), LibTorch computes in them, and where
/// the system does not let programs use them, as some virtual machines do not, that ends the process.
public let triesBfloat16 =
  !((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "amx_bf16").contains("amx_bf16")
