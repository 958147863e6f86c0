#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The words for an `errno`, with its name where it has a usual one.
///
/// `No space left on device (ENOSPC)`. The words are the system's own, in English, so they may
/// differ a little between systems; the name doesn't.
package func errnoText(_ code: Int32) -> String {
  // `strerror` answers for every number, and no shipped program sets a locale.
  let words = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "Unknown error \(code)"
  guard let name = errnoName(code) else { return words }
  return "\(words) (\(name))"
}

/// The symbol of an `errno` that files, terminals and locks are known to answer with.
private func errnoName(_ code: Int32) -> String? {
  switch code {
  case EACCES: "EACCES"
  case EAGAIN: "EAGAIN"
  case EBADF: "EBADF"
  case EBUSY: "EBUSY"
  case ECONNREFUSED: "ECONNREFUSED"
  case ECONNRESET: "ECONNRESET"
  case EDQUOT: "EDQUOT"
  case EEXIST: "EEXIST"
  case EFAULT: "EFAULT"
  case EFBIG: "EFBIG"
  case EINTR: "EINTR"
  case EINVAL: "EINVAL"
  case EIO: "EIO"
  case EISDIR: "EISDIR"
  case ELOOP: "ELOOP"
  case EMFILE: "EMFILE"
  case EMLINK: "EMLINK"
  case ENAMETOOLONG: "ENAMETOOLONG"
  case ENFILE: "ENFILE"
  case ENODEV: "ENODEV"
  case ENOENT: "ENOENT"
  case ENOLCK: "ENOLCK"
  case ENOMEM: "ENOMEM"
  case ENOSPC: "ENOSPC"
  case ENOSYS: "ENOSYS"
  case ENOTDIR: "ENOTDIR"
  case ENOTEMPTY: "ENOTEMPTY"
  case ENOTTY: "ENOTTY"
  case ENXIO: "ENXIO"
  case EOPNOTSUPP: "EOPNOTSUPP"
  case EOVERFLOW: "EOVERFLOW"
  case EPERM: "EPERM"
  case EPIPE: "EPIPE"
  case EROFS: "EROFS"
  case ESPIPE: "ESPIPE"
  case ESTALE: "ESTALE"
  case ETIMEDOUT: "ETIMEDOUT"
  case ETXTBSY: "ETXTBSY"
  case EXDEV: "EXDEV"
  default: nil
  }
}
