#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The time zones that the system knows (the IANA database, compiled as RFC 9636 says).
///
/// No variable of the environment moves it: two calls on one machine must find the same zone.
package struct ZoneDatabase: Hashable, Sendable {
  private let directory: String

  /// The database in a directory, for tests; programs use ``system``.
  package init(directory: String) { self.directory = directory }

  /// The system's own, or `nil` where none is installed (package `tzdata`).
  package static var system: ZoneDatabase? {
    ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"]
      .map { ZoneDatabase(directory: $0) }
      .first { (try? $0.zone(named: "UTC")) != nil }
  }

  /// The bytes of the zone's TZif file, or `nil` where `name` is no zone's name.
  ///
  /// Names are `Area/Place` or one word, of letters, digits, `_`, `+` and `-`. What else lies
  /// in the directory isn't found, nor its copies with and without leap seconds (`right`, `posix`).
  package func zone(named name: String) throws(PlatformError) -> [UInt8]? {
    guard Self.isPlausible(name) else { return nil }
    let bytes: [UInt8]
    do throws(PlatformError) {
      bytes = try readFile(joinPath(directory, name), limit: 65_536)
    } catch {
      switch error {
      case .failed(_, _, let code) where Self.meansNoZone(code): return nil
      default: throw error
      }
    }
    return bytes.starts(with: "TZif".utf8) ? bytes : nil
  }

  /// The release of the database, such as `2025b`, or `unknown` where it doesn't say.
  package var version: String {
    // Distributions install one of these or the other; the first line of either has it.
    let sources = [("tzdata.zi", "# version "), ("+VERSION", "")]
    for (name, prefix) in sources {
      guard let input = try? InputReader(joinPath(directory, name)),
        let start = try? input.read(upTo: 256), start.starts(with: prefix.utf8)
      else { continue }
      let version = start.dropFirst(prefix.utf8.count).prefix { $0 != UInt8(ascii: "\n") }
      if Self.isVersion(version) { return String(decoding: version, as: UTF8.self) }
    }
    return "unknown"
  }

  private static func isPlausible(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count) else { return false }
    let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isWellFormed = parts.allSatisfy { part in
      part.first.map(isLetter) == true && part.allSatisfy(isNameByte)
    }
    // These belong to the machine or count leap seconds; they aren't the database's zones.
    let isForeign = ["right", "posix", "localtime", "posixrules"].contains { word in
      parts[0].elementsEqual(word.utf8)
    }
    return isWellFormed && !isForeign
  }

  private static func isVersion(_ text: ArraySlice<UInt8>) -> Bool {
    (1...32).contains(text.count) && text.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: ".") }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || [UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(byte)
  }

  /// A name that isn't there, leads through a file, or is an area's.
  private static func meansNoZone(_ code: Int32) -> Bool {
    [ENOENT, ENOTDIR, EISDIR].contains(code)
  }
}
