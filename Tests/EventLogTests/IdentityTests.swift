import Bytes
import EventLog
import Merkle
import Simulation
import Testing

@Suite("The ledger's identity, and names of files")
struct IdentityTests {
  private static let good = String(decoding: Workload.identity.encoded, as: UTF8.self)

  private func identity(_ text: String) -> Result<LedgerIdentity, LogError> {
    do { return .success(try LedgerIdentity(Array(text.utf8))) } catch { return .failure(error) }
  }

  @Test("what it writes, it reads; every cut and every changed byte is refused or is another")
  func roundTrip() throws {
    let bytes = Workload.identity.encoded
    #expect(try LedgerIdentity(bytes) == Workload.identity)
    for count in 0..<bytes.count {
      #expect(throws: LogError.badIdentity) { try LedgerIdentity(Array(bytes[..<count])) }
    }
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      if let other = try? LedgerIdentity(changed) {
        // The id and the time of creation can't tell; event 0 repeats the one and holds the other.
        #expect(other != Workload.identity && other.verifierKey == Workload.identity.verifierKey)
      }
    }
  }

  @Test(
    "another format is told by its number, and anything else that isn't the form isn't an identity",
    arguments: [
      (#""format":1"#, #""format":2"#, LogError.unknownFormat(2)),
      (#""format":1"#, #""format":-1"#, .unknownFormat(-1)),
      (#""format":1"#, #""format":"1""#, .badIdentity),
      (#""format":1,"#, "", .badIdentity),
      (#""origin":"test/log""#, #""origin":"test log""#, .badIdentity),
      (#""origin":"test/log""#, #""origin":"test/other""#, .badIdentity),
      (#""origin":"test/log""#, #""origin":7"#, .badIdentity),
      (#"00112233"#, "0011223", .badIdentity), (#"00112233"#, "0011223G", .badIdentity),
      (#"T22:13:20.000000Z"#, "T22:13:20Z", .badIdentity),
      (#""format":1"#, #""format": 1"#, .badIdentity),
      (#""format":1"#, #""extra":1,"format":1"#, .badIdentity),
    ])
  func refused(part: String, instead: String, error: LogError) throws {
    let text = Self.good.replacing(part, with: instead)
    #expect(text != Self.good)
    #expect(identity(text) == .failure(error))
  }

  @Test("it is read from its file, or the reason why it can't be is told")
  func file() throws {
    let disk = SimulatedDisk()
    #expect {
      try LedgerIdentity.read(from: disk)
    } throws: { error in
      guard case LogError.storage(let failure)? = error as? LogError else { return false }
      return failure.isMissing
    }
    disk.setBytes(of: "LEDGER", to: Workload.identity.encoded)
    #expect(try LedgerIdentity.read(from: disk) == Workload.identity)
  }

  @Test("a file of quarantine/ tells by its name where its bytes stood; other names tell nothing")
  func quarantine() throws {
    let disk = SimulatedDisk()
    let digest = SHA256.hash(Array("torn".utf8))
    let torn = "0000000000000042-000000001893-\(digest.hex)"
    let unfinished = "0000000000000042.log.new-\(digest.hex)"
    for name in [torn, unfinished] {
      disk.setBytes(of: "quarantine/\(name)", to: Array("torn".utf8))
      let file = try #require(try QuarantinedFile(named: name, in: disk))
      #expect(file.path == "quarantine/\(name)")
      #expect(file.segment == 42 && file.length == 4 && file.digest == digest)
      #expect(file.offset == (name == torn ? 1_893 : 0))
    }
    for name in [
      "", "-", "incoming.new", digest.hex, "0000000000000042-\(digest.hex)x",
      "0000000000000042-x-\(digest.hex)", "x-000000001893-\(digest.hex)",
      "0000000000000042-000000001893-0-\(digest.hex)", "0000000000000042-\(digest.hex)",
      "x.log.new-\(digest.hex)", "new-\(digest.hex)",
    ] {
      disk.setBytes(of: "quarantine/\(name)", to: [])
      #expect(try QuarantinedFile(named: name, in: disk) == nil, "\(name)")
    }
    #expect(throws: StorageError.self) {
      try QuarantinedFile(named: torn, in: SimulatedDisk())
    }
  }
}
