import Bytes

extension TrustPolicy {
  /// How long a policy may be.
  package static let byteLimit = 1 << 20

  /// Reads a policy.
  ///
  /// - Throws: `.tooLong`, or `.malformed` with the number of the line; that is the one behind the
  ///   last where the quorum is missing.
  package init(_ bytes: [UInt8]) throws(EvidenceError) {
    guard bytes.count <= Self.byteLimit else {
      throw .tooLong(.policy, bytes: bytes.count, limit: Self.byteLimit)
    }
    var reader = LineReader(bytes)
    var builder = TrustPolicyReader()
    while !reader.isAtEnd {
      guard let line = reader.next(), builder.read(line) else {
        throw .malformed(.policy, line: reader.number)
      }
    }
    guard builder.hasQuorum else { throw .malformed(.policy, line: reader.number + 1) }
    self = builder.policy
  }
}

/// Reads the lines of a policy one after the other.
private struct TrustPolicyReader {
  private(set) var policy = TrustPolicy()
  private(set) var hasQuorum = false

  /// Where each name was defined.
  private var names: [[UInt8]: Int] = [:]

  /// The definitions that are members of a group already.
  private var members: Set<Int> = []
  private var logKeys: Set<[UInt8]> = []
  private var witnessKeys: Set<[UInt8]> = []

  private static let none = Array("none".utf8)

  /// Whether the line may stand where it does.
  mutating func read(_ line: ArraySlice<UInt8>) -> Bool {
    guard line.allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F }) else { return false }
    let words = line.split { $0 == 0x20 || $0 == 0x09 }
    guard let keyword = words.first, keyword.first != UInt8(ascii: "#") else { return true }
    let fields = words.dropFirst().map(Array.init)
    switch String(decoding: keyword, as: UTF8.self) {
    case "log": return readLog(fields)
    case "witness": return readWitness(fields)
    case "group": return readGroup(fields)
    case "quorum": return readQuorum(fields)
    default: return false
    }
  }

  private mutating func readLog(_ fields: [[UInt8]]) -> Bool {
    guard (1...2).contains(fields.count), let key = NoteKey(text: fields[0]),
      logKeys.insert(key.material).inserted
    else { return false }
    policy.logs.append(TrustPolicy.Log(key: key, url: fields.count == 2 ? fields[1] : nil))
    return true
  }

  private mutating func readWitness(_ fields: [[UInt8]]) -> Bool {
    guard (2...3).contains(fields.count), let key = NoteKey(text: fields[1]) else { return false }
    if case .ed25519 = key { return false }
    guard witnessKeys.insert(key.material).inserted,
      define(fields[0], as: .witness(policy.witnesses.count))
    else { return false }
    policy.witnesses.append(
      TrustPolicy.Witness(name: fields[0], key: key, url: fields.count == 3 ? fields[2] : nil))
    return true
  }

  private mutating func readGroup(_ fields: [[UInt8]]) -> Bool {
    guard fields.count >= 3 else { return false }
    var group: [Int] = []
    for name in fields[2...] {
      guard let member = names[name], members.insert(member).inserted else { return false }
      group.append(member)
    }
    let threshold: UInt64? =
      switch String(decoding: fields[1], as: UTF8.self) {
      case "all": UInt64(group.count)
      case "any": 1
      default: DecimalText.read(fields[1])
      }
    guard let threshold, threshold >= 1, threshold <= UInt64(group.count) else { return false }
    return define(fields[0], as: .group(threshold: Int(threshold), members: group))
  }

  private mutating func readQuorum(_ fields: [[UInt8]]) -> Bool {
    guard !hasQuorum, fields.count == 1 else { return false }
    hasQuorum = true
    if fields[0] == Self.none { return true }
    policy.quorum = names[fields[0]]
    return policy.quorum != nil
  }

  /// Whether the name was free.
  private mutating func define(_ name: [UInt8], as definition: TrustPolicy.Definition) -> Bool {
    guard name != Self.none, names[name] == nil else { return false }
    names[name] = policy.definitions.count
    policy.definitions.append(definition)
    return true
  }
}
