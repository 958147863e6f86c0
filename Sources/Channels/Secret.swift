import Bytes
import Dispatching
import Platform

/// Where a secret stands; settings hold no more than this of it.
package enum SecretSource: Hashable, Sendable {
  /// A file of the caller's that nobody else may read; a newline at its end isn't part of it.
  case file(String)
  /// A variable of the environment.
  case environment(String)

  /// `{"file":PATH}` or `{"env":NAME}`.
  init(_ reading: FieldReading, _ key: String) throws(RequestError) {
    let source = try FieldReading(try reading.json(key), at: reading.path(of: key))
    try source.allowOnly(["env", "file"])
    switch (source.object["env"], source.object["file"]) {
    case (nil, .some): self = .file(try source.printable("file", limit: 1_024))
    case (.some, nil): self = .environment(try source.printable("env", limit: 256))
    default:
      throw reading.failure(
        key, .badValue(found: nil, expected: .described(#"{"file":PATH} or {"env":NAME}"#)))
    }
  }

  /// Its name, never what it holds.
  package var text: String {
    switch self {
    case .file(let path): "the file '\(path)'"
    case .environment(let name): "the environment variable \(name)"
    }
  }
}

/// Why a secret can't be used.
package enum SecretProblem: Error, Hashable {
  case missing
  case unreadable(code: Int32)
  /// It isn't the caller's own file, or others may write it.
  case untrusted
  case readableByOthers
  /// It is empty, longer than 4,096 bytes, or holds more than one line of text.
  case malformed
  /// It isn't `whsec_` and base64 of 24 to 64 bytes.
  case noSigningSecret

  /// The problem in words, as they follow the secret's name.
  package var text: String {
    switch self {
    case .missing: "isn't there"
    case .unreadable(let code): "can't be read: \(errnoText(code))"
    case .untrusted: "isn't a file of yours that nobody else may write"
    case .readableByOthers: "can be read by others than its owner"
    case .malformed: "doesn't hold one line of 1 to 4096 bytes"
    case .noSigningSecret: "doesn't hold whsec_ and base64 of 24 to 64 bytes"
    }
  }
}

/// Reads secrets when channels are put together.
struct SecretReader {
  /// What relative paths begin at.
  let directory: String
  let environment: (String) -> String?

  private static let limit = 4_096

  func read(_ source: SecretSource) throws(SecretProblem) -> String {
    let bytes =
      switch source {
      case .file(let path): try file(joinPath(directory, path))
      case .environment(let name): try variable(name)
      }
    guard (1...Self.limit).contains(bytes.count),
      let text = String(validating: bytes, as: UTF8.self),
      text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
    else { throw .malformed }
    return text
  }

  private func variable(_ name: String) throws(SecretProblem) -> [UInt8] {
    guard let value = environment(name) else { throw .missing }
    return Array(value.utf8)
  }

  private func file(_ path: String) throws(SecretProblem) -> [UInt8] {
    let status: FileStatus
    do { status = try FileStatus(of: path) } catch { throw Self.problem(error) }
    if !status.whyUntrustworthy().isEmpty { throw .untrusted }
    if status.permissions & 0o044 != 0 { throw .readableByOthers }
    do {
      var bytes = try readFile(path, limit: Self.limit + 1)
      if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
      return bytes
    } catch {
      throw Self.problem(error)
    }
  }

  private static func problem(_ error: PlatformError) -> SecretProblem {
    guard case .failed(_, _, let code) = error else { return .malformed }
    return error.isMissing ? .missing : .unreadable(code: code)
  }
}
