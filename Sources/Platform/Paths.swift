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
func lastPart(of path: String) -> String {
  let parts = path.utf8.split(separator: UInt8(ascii: "/"))
  return parts.last.map { String(Substring($0)) } ?? "."
}
