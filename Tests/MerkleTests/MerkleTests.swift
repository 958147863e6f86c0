import Bytes
import Merkle
import Testing

@Suite struct MerkleTests {
  @Test("The example key of C2SP signed-note reads and writes itself")
  func verifierKey() throws {
    let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    let key = try #require(VerifierKey(text: text.utf8))
    #expect(key.name == "example.com/foo")
    #expect(key.text == text)
  }

  @Test("A frontier has the roots that RFC 6962 gives")
  func roots() throws {
    var frontier = Frontier()
    #expect(frontier.root == MerkleTree.emptyRoot)
    for entry in ["", "00", "10", "2021", "3031", "40414243"] {
      let bytes = try #require(Hex.decode(entry.utf8))
      frontier.append(leaf: MerkleTree.leafHash(bytes))
    }
    #expect(
      frontier.root.hex == "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef")
    #expect(frontier.hashes.count == 2)
    #expect(Frontier(size: 6, hashes: frontier.hashes) == frontier)
    #expect(Frontier(size: 7, hashes: frontier.hashes) == nil)
  }
}
