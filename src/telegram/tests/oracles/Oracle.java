import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CharsetEncoder;

/**
 * What the JDK reads and writes in the charsets that are named: a line `= charset`, then as `make.py --read` writes it; a line
 * `= charset>`, then as `make.py --write` does.
 */
class Oracle {
    private static final int SO = 0x0E;
    private static final int SI = 0x0F;

    public static void main(String[] names) {
        StringBuilder out = new StringBuilder();
        for (String name : names) {
            out.append("= ").append(name).append('\n');
            // `+` behind the name: characters of two bytes stand between SO and SI.
            boolean shifted = name.endsWith("+");
            Charset charset = Charset.forName(shifted ? name.substring(0, name.length() - 1) : name);
            read(charset, shifted, out);
            out.append("= ").append(name).append(">\n");
            write(charset, shifted, out);
        }
        System.out.print(out);
    }

    private static void read(Charset charset, boolean shifted, StringBuilder out) {
        // It reports what is malformed or unmappable.
        CharsetDecoder decoder = charset.newDecoder();
        boolean[] whole = new boolean[256];
        for (int one = 0; one < 256; one++) {
            whole[one] = line(decoder, out, String.format("%02x", one), one);
        }
        for (int lead = 0; lead < 256; lead++) {
            for (int trail = 0; trail < 256; trail++) {
                String code = String.format("%02x%02x", lead, trail);
                if (!shifted && !whole[lead]) {
                    line(decoder, out, code, lead, trail);
                } else if (shifted && lead != SO && lead != SI && trail != SO && trail != SI) {
                    line(decoder, out, code, SO, lead, trail, SI);
                }
            }
        }
    }

    private static boolean line(CharsetDecoder decoder, StringBuilder out, String code, int... bytes) {
        byte[] given = new byte[bytes.length];
        for (int at = 0; at < bytes.length; at++) {
            given[at] = (byte) bytes[at];
        }
        String text;
        try {
            text = decoder.decode(ByteBuffer.wrap(given)).toString();
        } catch (CharacterCodingException unreadable) {
            return false;
        }
        if (text.isEmpty()) {
            return false;
        }
        out.append(code).append(' ');
        for (int at = 0; at < text.length(); at++) {
            out.append(at > 0 ? "+" : "").append(String.format("%04x", (int) text.charAt(at)));
        }
        out.append('\n');
        return true;
    }

    private static void write(Charset charset, boolean shifted, StringBuilder out) {
        // It reports what is unmappable.
        CharsetEncoder encoder = charset.newEncoder();
        for (int number = 0; number < 0x10000; number++) {
            if (Character.isSurrogate((char) number)) {
                continue;
            }
            ByteBuffer bytes;
            try {
                bytes = encoder.encode(CharBuffer.wrap(new char[] {(char) number}));
            } catch (CharacterCodingException unwritable) {
                continue;
            }
            int first = bytes.position();
            int end = bytes.limit();
            boolean wide = shifted && end - first == 4 && bytes.get(first) == SO && bytes.get(end - 1) == SI;
            for (int at = wide ? first + 1 : first; at < (wide ? end - 1 : end); at++) {
                out.append(String.format("%02x", bytes.get(at)));
            }
            out.append(String.format(" %04x%n", number));
        }
    }
}
