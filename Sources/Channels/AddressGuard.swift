import CCurl

/// An IP address: 4 or 16 bytes.
package struct NetworkAddress: Hashable, Sendable {
  package let bytes: [UInt8]

  /// The address that `text` spells, as `inet_pton` (POSIX) reads it.
  package init?(_ text: String) {
    var buffer = [UInt8](repeating: 0, count: 16)
    let count = unsafe ledger_parse_address(text, &buffer)
    guard count > 0 else { return nil }
    bytes = Array(buffer.prefix(Int(count)))
  }

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// The IPv4 address that an IPv6 one stands for where it is mapped (::ffff:0:0/96), translated
  /// (64:ff9b::/96, RFC 6052) or tunnelled (2002::/16, RFC 3056).
  var embedded: NetworkAddress? {
    guard bytes.count == 16 else { return nil }
    if Network.mapped.contains(self) || Network.translated.contains(self) {
      return NetworkAddress(bytes: Array(bytes[12...]))
    }
    return bytes[0] == 0x20 && bytes[1] == 0x02 ? NetworkAddress(bytes: Array(bytes[2..<6])) : nil
  }
}

/// All addresses that begin with the same bits: `10.1.0.0/16`.
package struct Network: Hashable, Sendable {
  package let address: NetworkAddress
  package let prefixBits: Int

  /// `nil` where the text isn't an address, a slash and a number of bits, or has bits behind them.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = NetworkAddress(String(parts[0])),
      let bits = Int(parts[1]), (0...address.bytes.count * 8).contains(bits)
    else { return nil }
    self.address = address
    prefixBits = bits
    for bit in bits..<address.bytes.count * 8 where Self.bit(bit, of: address) != 0 { return nil }
  }

  private init(known text: String) {
    guard let network = Network(text) else {
      fatalError("invariant broken: \(text) is no network")
    }
    self = network
  }

  func contains(_ other: NetworkAddress) -> Bool {
    other.bytes.count == address.bytes.count
      && (0..<prefixBits).allSatisfy { Self.bit($0, of: address) == Self.bit($0, of: other) }
  }

  private static func bit(_ index: Int, of address: NetworkAddress) -> UInt8 {
    address.bytes[index / 8] >> UInt8(7 - index % 8) & 1
  }

  static let mapped = Network(known: "::ffff:0:0/96")
  static let translated = Network(known: "64:ff9b::/96")

  /// Where nothing public is (the special-purpose registries of RFC 6890): this host, private and
  /// shared networks, links, tests, groups, what is kept for later, and tunnels.
  static let notPublic = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/96", "::ffff:0:0/96", "64:ff9b:1::/48",
    "100::/64", "2001::/32", "2001:db8::/32", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
  ].map(Network.init(known:))
}

/// Which addresses webhooks may reach, so that a user's address isn't a way into our own network.
///
/// It is asked with the address that a name came to, when the connection is about to be made.
package struct AddressGuard: Hashable, Sendable {
  package let allowed: [Network]

  package init(allowed: [Network]) { self.allowed = allowed }

  /// Whether a connection to the address may be made.
  package func permits(_ address: NetworkAddress) -> Bool {
    if allowed.contains(where: { $0.contains(address) }) { return true }
    if let embedded = address.embedded {
      if allowed.contains(where: { $0.contains(embedded) }) { return true }
      if Network.notPublic.contains(where: { $0.contains(embedded) }) { return false }
    }
    return !Network.notPublic.contains { $0.contains(address) }
  }
}

/// An address of the web: `https://HOST[:PORT][/PATH][?QUERY]`, without a user and a fragment.
struct WebAddress: Hashable, Sendable {
  let text: String
  let isSecure: Bool
  /// In lower case; an IPv6 address stands in brackets.
  let host: String

  init?(_ text: String) {
    guard text.utf8.count <= 2_048,
      text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"\"<>\\^`{|}#".utf8.contains($0) })
    else { return nil }
    isSecure = text.hasPrefix("https://")
    guard isSecure || text.hasPrefix("http://") else { return nil }
    let authority = text.dropFirst(isSecure ? 8 : 7).prefix { $0 != "/" && $0 != "?" }
    let host: Substring
    let rest: Substring
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]"),
        NetworkAddress(String(authority.dropFirst().prefix(upTo: end)))?.bytes.count == 16
      else { return nil }
      host = authority[...end]
      rest = authority[authority.index(after: end)...]
    } else {
      host = authority.prefix { $0 != ":" }
      rest = authority[host.endIndex...]
      guard isHost(String(host)) else { return nil }
    }
    if !rest.isEmpty {
      guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), (1...65_535).contains(port),
        rest.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) })
      else { return nil }
    }
    self.text = text
    self.host = host.lowercased()
  }
}
