import io.trino.sql.parser.SqlParser;
import io.trino.sql.tree.AllColumns;
import io.trino.sql.tree.DereferenceExpression;
import io.trino.sql.tree.Expression;
import io.trino.sql.tree.Identifier;
import io.trino.sql.tree.Node;
import io.trino.sql.tree.Query;
import io.trino.sql.tree.QueryBody;
import io.trino.sql.tree.QuerySpecification;
import io.trino.sql.tree.Row;
import io.trino.sql.tree.SelectItem;
import io.trino.sql.tree.SetOperation;
import io.trino.sql.tree.SingleColumn;
import io.trino.sql.tree.Statement;
import io.trino.sql.tree.Table;
import io.trino.sql.tree.TableSubquery;
import io.trino.sql.tree.Values;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What Trino's parser says of statements. Reads JSON strings, one a line, and
 * writes a line for each: "+ " and a JSON array of the columns of a query
 * (a name, null for none, true for a star), or "- " and why it is none.
 */
public final class Oracle
{
    private Oracle() {}

    public static void main(String[] args)
            throws Exception
    {
        BufferedReader in = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        SqlParser parser = new SqlParser();

        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(judge(parser, unquote(line)));
        }
        out.flush();
    }

    private static String judge(SqlParser parser, String sql)
    {
        try {
            Statement statement = parser.createStatement(sql);

            if (!(statement instanceof Query)) {
                return "- no query: " + statement.getClass().getSimpleName();
            }
            return "+ [" + String.join(",", columns((Query) statement)) + "]";
        }
        catch (RuntimeException | StackOverflowError e) {
            return "- " + String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
        }
    }

    /** The columns of the first branch, as Trino's analyzer names them. */
    private static List<String> columns(Query query)
    {
        Node body = query.getQueryBody();

        while (!(body instanceof QuerySpecification)) {
            if (body instanceof TableSubquery) {
                body = ((TableSubquery) body).getQuery().getQueryBody();
            }
            else if (body instanceof SetOperation) {
                body = ((SetOperation) body).getRelations().get(0);
            }
            else if (body instanceof Values) {
                Expression row = ((Values) body).getRows().get(0);
                int count = row instanceof Row ? ((Row) row).getItems().size() : 1;

                return new ArrayList<>(java.util.Collections.nCopies(count, "null"));
            }
            else if (body instanceof Table) {
                return List.of("true");
            }
            else {
                throw new IllegalStateException(body.getClass().getName());
            }
        }
        List<String> names = new ArrayList<>();

        for (SelectItem item : ((QuerySpecification) body).getSelect().getSelectItems()) {
            if (item instanceof AllColumns) {
                List<Identifier> aliases = ((AllColumns) item).getAliases();

                if (aliases.isEmpty()) {
                    names.add("true");
                }
                aliases.forEach(alias -> names.add(name(alias)));
            }
            else {
                names.add(name((SingleColumn) item));
            }
        }
        return names;
    }

    private static String name(SingleColumn column)
    {
        Expression expression = column.getExpression();

        if (column.getAlias().isPresent()) {
            return name(column.getAlias().get());
        }
        if (expression instanceof Identifier) {
            return name((Identifier) expression);
        }
        if (expression instanceof DereferenceExpression
                && DereferenceExpression.getQualifiedName((DereferenceExpression) expression) != null) {
            return name(((DereferenceExpression) expression).getField().get());
        }
        return "null";
    }

    private static String name(Identifier identifier)
    {
        String value = identifier.getValue();

        return quote(identifier.isDelimited() ? value : value.toLowerCase(Locale.ENGLISH));
    }

    private static String quote(String text)
    {
        StringBuilder out = new StringBuilder("\"");

        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            }
            else if (c < 0x20 || c > 0x7e) {
                out.append(String.format("\\u%04X", (int) c));
            }
            else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    private static String unquote(String json)
    {
        StringBuilder out = new StringBuilder();

        for (int i = 1; i < json.length() - 1; i++) {
            char c = json.charAt(i);

            if (c != '\\') {
                out.append(c);
                continue;
            }
            c = json.charAt(++i);
            switch (c) {
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'u' -> {
                    out.append((char) Integer.parseInt(json.substring(i + 1, i + 5), 16));
                    i += 4;
                }
                default -> out.append(c);
            }
        }
        return out.toString();
    }
}
