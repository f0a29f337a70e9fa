package permissions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const sdk = "github.com/aws/aws-sdk-go-v2/service/"

// call is a request that the program's source makes: the IAM action that it needs and where the source builds it.
type call struct {
	service, operation string // "dynamodb", "PutItem"
	at                 string // file:line
}

// calls reads one file. A request to AWS cannot be made without its input, so a mention of `dynamodb.PutItemInput`
// outside of a signature or an interface is the call; this sees wrappers, paginators and method values alike. What a
// transaction does is told by the kinds of its items, `types.Put` and so on, which appear as operation "types.Put".
func calls(files *token.FileSet, file *ast.File) []call {
	imported := map[string]string{} // local name to "sqs" or "dynamodb/types"
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !strings.HasPrefix(path, sdk) {
			continue
		}
		service := strings.TrimPrefix(path, sdk)
		name := service[strings.LastIndex(service, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = service
	}
	var found []call
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.InterfaceType, *ast.FuncType:
			return false
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			if !ok || imported[pkg.Name] == "" {
				return true
			}
			service, types := strings.CutSuffix(imported[pkg.Name], "/types")
			operation, input := strings.CutSuffix(n.Sel.Name, "Input")
			switch {
			case types && service == "dynamodb" && transactional(n.Sel.Name) != "":
				operation = "types." + n.Sel.Name
			case types || !input:
				return true
			}
			found = append(found, call{service: service, operation: operation, at: files.Position(n.Pos()).String()})
		}
		return true
	})
	return found
}

// transactional is the action that an item of a transaction needs; "" for any other type.
func transactional(name string) string {
	switch name {
	case "Put", "Update", "Delete":
		return "dynamodb:" + name + "Item"
	case "ConditionCheck":
		return "dynamodb:ConditionCheckItem"
	}
	return ""
}

// action is the IAM action that a call needs, or "" if it needs none of its own.
// Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func (c call) action() string {
	switch name, item := strings.CutPrefix(c.operation, "types."); {
	case item:
		return transactional(name)
	case c.operation == "TransactWriteItems":
		return "" // its items say what it does
	case c.operation == "TransactGetItems":
		return "dynamodb:GetItem"
	case c.service == "dynamodbstreams":
		return "dynamodb:" + c.operation // a service of its own to the SDK, not to IAM
	case c.service == "sqs":
		return "sqs:" + strings.TrimSuffix(c.operation, "Batch")
	case c.service == "sts" && c.operation == "GetCallerIdentity":
		return "" // everybody may ask who they are
	}
	return c.service + ":" + c.operation
}

// program reads the calls of everything below root that is part of the program: no tests, no stand-ins.
func program(t *testing.T, root string) []call {
	t.Helper()
	var found []call
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch base := filepath.Base(rel); {
			case rel == ".":
				return nil
			case strings.HasPrefix(base, "."), base == "testdata", base == "node_modules",
				filepath.ToSlash(rel) == "engine/aws/standin":
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, c := range calls(files, file) {
			c.at = strings.TrimPrefix(c.at, root+string(filepath.Separator))
			found = append(found, c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
