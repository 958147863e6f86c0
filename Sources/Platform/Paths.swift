#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The path of the directory that holds what `path` names, as text: nothing is looked up.
///
/// `/a/b` -> `/a`, `a/b/` -> `a`, `a` -> `.`, `/` -> `/`.
package func parentDirectory(of path: String) -> String {
  let slash = UInt8(ascii: "/")
  var bytes = Array(path.utf8)
  while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
  guard let last = bytes.lastIndex(of: slash) else { return "." }
  bytes.removeSubrange(last...)
  while let byte = bytes.last, byte == slash { bytes.removeLast() }
  return bytes.isEmpty ? "/" : String(decoding: bytes, as: UTF8.self)
}

/// The last part of `path`, or `.` where it has none (`/`).
package func lastPart(of path: String) -> String {
  let parts = path.utf8.split(separator: UInt8(ascii: "/"))
  return parts.last.map { String(Substring($0)) } ?? "."
}

/// The path of `path` seen from the directory `base`; an absolute one stays as it is.
package func joinPath(_ base: String, _ path: String) -> String {
  if base.isEmpty || path.utf8.first == UInt8(ascii: "/") { return path }
  if path.isEmpty { return base }
  return base.utf8.last == UInt8(ascii: "/") ? base + path : "\(base)/\(path)"
}

/// `path` seen from the root, so that it stays the same wherever the process goes.
///
/// `.` and `..` are kept but for a leading `./`: to drop them as text would change what a path with
/// symbolic links names.
package func absolutePath(_ path: String) throws(PlatformError) -> String {
  if path.utf8.first == UInt8(ascii: "/") { return path }
  guard let directory = unsafe getcwd(nil, 0) else {
    throw .failed(.workingDirectory, path: path, code: errno)
  }
  defer { unsafe free(directory) }
  var rest = path.utf8[...]
  while rest.starts(with: "./".utf8) {
    rest = rest.dropFirst(2).drop { $0 == UInt8(ascii: "/") }
  }
  if rest.elementsEqual(".".utf8) { rest = rest.dropFirst() }
  return joinPath(unsafe String(cString: directory), String(Substring(rest)))
}

/// The path of what `path` names, from the root and without symbolic links, `.` or `..`.
package func canonicalPath(_ path: String) throws(PlatformError) -> String {
  guard isWhole(path), let found = unsafe realpath(path, nil) else {
    throw .failed(.status, path: path, code: isWhole(path) ? errno : EINVAL)
  }
  defer { unsafe free(found) }
  return unsafe String(cString: found)
}
