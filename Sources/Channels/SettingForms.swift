import Bytes
import Dispatching
import Events

/// The forms of settings that no request has.
extension FieldReading {
  /// A whole number, or `nil` where the field is absent.
  func whole(_ key: String, _ range: ClosedRange<Int64>) throws(RequestError) -> Int? {
    guard let json = object[key] else { return nil }
    guard case .integer(let number) = json, range.contains(number) else {
      throw form(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return Int(number)
  }

  /// The seconds of a duration, or `nil` where the field is absent.
  func seconds(_ key: String, _ range: ClosedRange<Int64>) throws(RequestError) -> Int64? {
    guard object[key] != nil else { return nil }
    guard let duration = ISODuration(try string(key)), range.contains(duration.seconds) else {
      throw form(
        key,
        "a duration such as PT30S, of \(range.lowerBound) to \(range.upperBound) seconds")
    }
    return duration.seconds
  }

  func optionalPrintable(_ key: String, limit: Int) throws(RequestError) -> String? {
    object[key] == nil ? nil : try printable(key, limit: limit)
  }

  /// A host's name or address, which can't become another part of a URL.
  func host(_ key: String) throws(RequestError) -> String {
    let text = try string(key)
    guard isHost(text) else { throw form(key, "the name or the IPv4 address of a host") }
    return text
  }

  /// Letters, digits, `_` and `-`.
  func word(_ key: String) throws(RequestError) -> String {
    let text = try string(key)
    guard EntityID(text) != nil else { throw form(key, "1 to 128 letters, digits, _ or -") }
    return text
  }

  func mailbox(_ key: String) throws(RequestError) -> String {
    let text = try string(key)
    guard isMailbox(text) else { throw form(key, "an e-mail address") }
    return text
  }

  func networks(_ key: String) throws(RequestError) -> [Network] {
    guard let json = object[key] else { return [] }
    let words = "a list of networks such as 10.1.0.0/16 or fd00::/8"
    guard case .array(let elements) = json, elements.count <= 64 else { throw form(key, words) }
    var networks: [Network] = []
    for element in elements {
      guard case .string(let text) = element, let network = Network(text) else {
        throw form(key, words)
      }
      networks.append(network)
    }
    return networks
  }

  private func form(_ key: String, _ words: String) -> RequestError {
    failure(key, .badValue(found: nil, expected: .described(words)))
  }
}

/// Whether `text` is a name of DNS or an IPv4 address.
func isHost(_ text: String) -> Bool {
  (1...253).contains(text.utf8.count)
    && text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .allSatisfy { !$0.isEmpty && $0.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") } }
}

/// Whether a host is the machine that the program runs on.
func isThisMachine(_ host: String) -> Bool { host == "localhost" || host == "127.0.0.1" }

/// Whether `text` is a dot-atom, `@` and a host (RFC 5321 §4.1.2 without quoted strings, comments
/// and address literals): nothing in it ends a header, a command or an angle bracket.
func isMailbox(_ text: String) -> Bool {
  let parts = text.split(separator: "@", omittingEmptySubsequences: false)
  guard parts.count == 2, text.utf8.count <= 254, (1...64).contains(parts[0].utf8.count) else {
    return false
  }
  let atoms = parts[0].utf8.split(
    separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
  return isHost(String(parts[1]))
    && atoms.allSatisfy { atom in
      !atom.isEmpty
        && atom.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
    }
}

func isAlphanumeric(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "a")...UInt8(ascii: "z"):
    true
  default: false
  }
}
