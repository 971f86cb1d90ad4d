using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;

namespace Example.Shapes
{
    /// <summary>What can be drawn.</summary>
    public abstract record Shape(string Name)
    {
        public abstract double Area { get; }

        public virtual string Describe() => $"{Name} of {Area:F2}";
    }

    public sealed record Circle(double Radius) : Shape("circle")
    {
        public override double Area => Math.PI * Radius * Radius;
    }

    public sealed record Polygon(IReadOnlyList<(double X, double Y)> Points) : Shape("polygon")
    {
        public override double Area
        {
            get
            {
                double sum = 0;
                for (int i = 0; i < Points.Count; i++)
                {
                    var (x, y) = Points[i];
                    var (nextX, nextY) = Points[(i + 1) % Points.Count];
                    sum += x * nextY - nextX * y;
                }
                return Math.Abs(sum) / 2;
            }
        }
    }

    public class Drawing
    {
        private static readonly string Folder = @"C:\drawings\";
        private readonly Dictionary<string, List<Shape>> layers = new();

        public event EventHandler<Shape>? Added;

        public void Add(string layer, Shape shape)
        {
            if (!layers.TryGetValue(layer, out var shapes))
            {
                layers[layer] = shapes = new List<Shape>();
            }
            shapes.Add(shape);
            Added?.Invoke(this, shape);
        }

        public IEnumerable<Shape> Largest(int count) =>
            from shapes in layers.Values
            from shape in shapes
            where shape.Area > 0
            orderby shape.Area descending
            select shape into found
            group found by found.Name into groups
            select groups.First();

        public async Task<int> SaveAsync(string name)
        {
            var path = Path.Combine(Folder, name + ".txt");
            await using var writer = new StreamWriter(path);
            var lines = 0;
            foreach (var (layer, shapes) in layers.OrderBy(pair => pair.Key))
            {
                await writer.WriteLineAsync($"[{layer}] {shapes.Count} shapes, \"{shapes.FirstOrDefault()?.Name ?? "none"}\" first");
                lines += 1;
                switch (shapes.Count)
                {
                    case 0:
                        continue;
                    case > 100:
                        throw new InvalidOperationException("too many: " + string.Join(", ", shapes.Select(s => s.Name)));
                    default:
                        break;
                }
            }
            return lines;
        }
    }
}
