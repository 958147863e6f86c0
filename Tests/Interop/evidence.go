// Reads the ledger's evidence with other people's code: golang.org/x/mod, sumdb/note and sumdb/tlog.
//
// Each line of the input is a question, each line of the output its answer; bytes are base 64, lists
// have commas, "-" is the empty list. Leaf i is the hash of "entry i" where a question names none.
//
//	open VKEYS NOTE                        ok TEXT NAME,...  or  no
//	sign SKEY TEXT                         NOTE
//	record SIZE ROOT INDEX LEAF HASHES     ok  or  no
//	tree NEW ROOT OLD ROOT HASHES          ok  or  no
//	prove-record SIZE INDEX                HASHES
//	prove-tree NEW OLD                     HASHES
//	tiles FOLDER SIZE ROOT INDEX           HASHES  or  no, from tiles checked against the root
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func decode(text string) []byte {
	bytes, err := base64.StdEncoding.DecodeString(text)
	check(err)
	return bytes
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	check(err)
	return value
}

func list(text string) []string {
	if text == "-" {
		return nil
	}
	return strings.Split(text, ",")
}

func joined(texts []string) string {
	if len(texts) == 0 {
		return "-"
	}
	return strings.Join(texts, ",")
}

func hash(text string) (result tlog.Hash) {
	if copy(result[:], decode(text)) != tlog.HashSize {
		log.Fatal("not a hash: ", text)
	}
	return result
}

func hashes(text string) (result []tlog.Hash) {
	for _, item := range list(text) {
		result = append(result, hash(item))
	}
	return result
}

func written(hashes []tlog.Hash) string {
	var texts []string
	for _, item := range hashes {
		texts = append(texts, item.String())
	}
	return joined(texts)
}

func verdict(err error) string {
	if err != nil {
		return "no"
	}
	return "ok"
}

func open(vkeys, text string) string {
	var known []note.Verifier
	for _, vkey := range list(vkeys) {
		verifier, err := note.NewVerifier(vkey)
		check(err)
		known = append(known, verifier)
	}
	opened, err := note.Open(decode(text), note.VerifierList(known...))
	if err != nil {
		return "no"
	}
	var names []string
	for _, signature := range opened.Sigs {
		names = append(names, signature.Name)
	}
	return "ok " + base64.StdEncoding.EncodeToString([]byte(opened.Text)) + " " + joined(names)
}

func sign(skey, text string) string {
	signer, err := note.NewSigner(skey)
	check(err)
	signed, err := note.Sign(&note.Note{Text: string(decode(text))}, signer)
	check(err)
	return base64.StdEncoding.EncodeToString(signed)
}

// stored holds the hashes of a growing tree in tlog's order.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var result []tlog.Hash
	for _, index := range indexes {
		result = append(result, s[index])
	}
	return result, nil
}

func tree(size int64) stored {
	var s stored
	for index := int64(0); index < size; index++ {
		more, err := tlog.StoredHashes(index, []byte(fmt.Sprintf("entry %d", index)), s)
		check(err)
		s = append(s, more...)
	}
	return s
}

// folder reads tiles as C2SP names them: without tlog's height.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		name := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		bytes, err := os.ReadFile(filepath.Join(string(f), name))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func tiles(directory string, size int64, root tlog.Hash, index int64) string {
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, folder(directory))
	proof, err := tlog.ProveRecord(size, index, reader)
	if err != nil {
		return "no"
	}
	return written(proof)
}

func answer(f []string) string {
	switch f[0] {
	case "open":
		return open(f[1], f[2])
	case "sign":
		return sign(f[1], f[2])
	case "record":
		return verdict(
			tlog.CheckRecord(hashes(f[5]), number(f[1]), hash(f[2]), number(f[3]), hash(f[4])))
	case "tree":
		return verdict(
			tlog.CheckTree(hashes(f[5]), number(f[1]), hash(f[2]), number(f[3]), hash(f[4])))
	case "prove-record":
		proof, err := tlog.ProveRecord(number(f[1]), number(f[2]), tree(number(f[1])))
		check(err)
		return written(proof)
	case "prove-tree":
		proof, err := tlog.ProveTree(number(f[1]), number(f[2]), tree(number(f[1])))
		check(err)
		return written(proof)
	case "tiles":
		return tiles(f[1], number(f[2]), hash(f[3]), number(f[4]))
	}
	log.Fatal("unknown question: ", f[0])
	return ""
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<24)
	for input.Scan() {
		fmt.Println(answer(strings.Fields(input.Text())))
	}
	check(input.Err())
}
